/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-model.h"

#include <string.h>

/*
 * Declarations that the two halves of the model share: sim-model records the messages that reached the broker, and
 * sim-model-output compares them with those that the broker sent. Neither includes a header of the core.
 */

#define LANES           2u
#define CONTROL_LANE    0u
#define DATA_LANE       1u
#define CONTROL_LARGEST 16384u

typedef struct
{
  SimRole role;
  gboolean alive;
  guint32 account;
  char *type;
  char *id;
} ModelPeer;

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
  gboolean to_each; /* each matching member of a group gets it, not only one */
  gboolean unsure;  /* a receiver was disconnected at the same time, so the counts may or may not include it */
  gboolean is_last; /* a last message: without credit and without ACK */
  gboolean acked;
  guint queued;       /* the number in the ACK */
  GHashTable *groups; /* groups that received it */
  gboolean at_least_once;
  guint n_vacant;       /* matching groups without a member that takes part */
  GHashTable *vacant;   /* their names */
  gboolean may_hold;    /* it may be held for one of these groups, */
  gboolean for_any;     /* or, if no group matched, for the first matching group that begins */
  char *held_for;       /* that group; NULL: none has begun yet */
  GHashTable *asked;    /* groups that match, or their members -> name of the group */
  GHashTable *attempts; /* "group attempt": deliveries to groups */
} ModelMessage;

/* A message that matched a subscription. */
typedef struct
{
  guint64 seq;
  guint lane;
  gboolean delivered;
  const ModelMessage *message;
} ModelMatch;

/* All members of a group together. */
typedef struct
{
  guint64 matched;
  guint64 received; /* delivered or reported as missed */
  guint64 kept;     /* matched messages with at-least-once delivery */
  gboolean left;    /* a member left: messages that waited for it may be lost without a gap */
  char *pattern;    /* of the first of its present members */
} ModelGroup;

typedef struct
{
  guint peer;
  guint32 id;
  char *pattern;
  char *group; /* name and scope; NULL: none */
  SimPolicy policy;
  SimLineage filter;
  gboolean adjusted;
  gboolean drains;
  gboolean alive;
  gboolean alone;           /* its peer has no other subscription, and never had */
  gboolean is_unbounded;    /* its bounds are above anything that the simulator sends */
  GArray *matches;          /* of ModelMatch, by seq */
  guint64 last[LANES];      /* delivered */
  guint64 missed_to[LANES]; /* the end of the last gap */
  guint64 n_delivered[LANES];
  guint64 n_missed[LANES];
  guint64 missed_else; /* missed for other reasons than its policy: time to live, memory, limits */
} ModelSub;

struct SimModel
{
  char failure[SIM_FAILURE_MAX];
  GArray *peers;        /* of ModelPeer, by number */
  GPtrArray *subs;      /* of ModelSub, all that ever existed */
  GHashTable *messages; /* number -> ModelMessage */
  GHashTable *groups;   /* name and scope -> ModelGroup */
  guint64 n_held;       /* messages that may have been held: which members missed them is not known */
};

/* Keeps the first failure. */
void sim_model_fail (SimModel *model, const char *format, ...) G_GNUC_PRINTF (2, 3);

gboolean sim_model_may_read (const ModelPeer *peer, const char *topic);
ModelPeer *sim_model_peer (const SimModel *model, guint peer);
ModelGroup *sim_model_group (const SimModel *model, const char *name);
ModelSub *sim_model_sub (const SimModel *model, guint peer, guint32 id);
/* Returns the match of that message; NULL: it did not match the subscription. */
ModelMatch *sim_model_match (const ModelSub *sub, guint64 seq);
