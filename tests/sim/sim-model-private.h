/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-model.h"

#include <string.h>

/*
 * The model's own rooms: sim-model remembers what reached the broker, sim-model-out compares what came out with it.
 * Neither includes a header of the core.
 */

#define LANES           2u
#define CONTROL_LANE    0u
#define DATA_LANE       1u
#define CONTROL_LARGEST 16384u

typedef struct
{
  SimRole role;
  gboolean alive;
  char *type;
  char *id;
} Peer;

/* A message that was accepted. */
typedef struct
{
  guint64 seq;
  guint64 number;
  gsize len;
  guint lane;
  char *topic;
  char *sender;
  char *target; /* NULL: all */
  guint64 ttl_us;
  guint matched;
  gboolean to_each; /* member of a group */
  gboolean unsure;  /* somebody was closed for it: he may be counted or not */
  gboolean acked;
  guint queued;       /* as the ACK says */
  GHashTable *groups; /* that got it */
} Message;

/* One that matched a subscription. */
typedef struct
{
  guint64 seq;
  guint lane;
  gboolean delivered;
  const Message *message;
} Match;

/* All members of a group together. */
typedef struct
{
  guint64 matched;
  guint64 told;  /* delivered or missed */
  gboolean left; /* somebody left: what he had not got may be gone with him */
} Group;

typedef struct
{
  guint peer;
  guint32 id;
  char *pattern;
  char *group; /* NULL: none */
  SimPolicy policy;
  gboolean adjusted;
  gboolean alive;
  gboolean alone;         /* its peer has no other one */
  gboolean roomy;         /* its bounds never mattered */
  GArray *matches;        /* of Match, by seq */
  guint64 last[LANES];    /* delivered */
  guint64 told_to[LANES]; /* by gaps */
  guint64 n_delivered[LANES];
  guint64 n_missed[LANES];
  guint64 missed_else; /* not by its policy: time, memory, limits */
} Sub;

struct SimModel
{
  char failure[SIM_FAILURE_MAX];
  GArray *peers;        /* of Peer, by number */
  GPtrArray *subs;      /* of Sub, all that ever were */
  GHashTable *messages; /* number -> Message */
  GHashTable *groups;   /* name -> Group */
};

/* The first one counts. */
void sim_model_fail (SimModel *model, const char *format, ...) G_GNUC_PRINTF (2, 3);

gboolean sim_model_may_read (const Peer *peer, const char *topic);
Peer *sim_model_peer (const SimModel *model, guint peer);
Group *sim_model_group (const SimModel *model, const char *name);
Sub *sim_model_sub (const SimModel *model, guint peer, guint32 id);
/* NULL: that message did not match it. */
Match *sim_model_match (const Sub *sub, guint64 seq);
