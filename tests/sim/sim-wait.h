/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of calls that wait for clients: the knowledge of an asker. It includes no header of the core.
 *
 * A watcher gets the state and then each change of it. For each call: the state comes first, with `restart`; only what is watched
 * is reported; sequences do not decrease, and none is older than the call; nothing follows the final answer or an ERROR; no
 * client disconnects twice without a connection in between. A watcher that was never sent the whole state again was sent as many
 * changes as there were, and none of those after its CANCEL. At rest it knows which clients are there.
 */

#define SIM_WAIT_ALL  G_MAXUINT
#define SIM_WAIT_ROWS 16u

typedef struct SimWaits SimWaits;

/* The part of an answer that is about one client. */
typedef struct
{
  guint slot;
  gboolean present;
  guint64 incarnation;
} SimWaitRow;

typedef struct
{
  guint64 seq;
  gboolean restart;
  gboolean complete;
  gboolean is_final;
  guint n;
  SimWaitRow rows[SIM_WAIT_ROWS];
} SimWaitNews;

/* A call that waits. */
typedef struct
{
  guint connection;
  guint64 id;
  guint slot;
  gboolean watches;
  gboolean is_counted;             /* the state was never sent again, nor was it late */
  guint64 begun_at;                /* accept sequence */
  gboolean has_ended;              /* for the model; the rest is about the answers */
  gboolean is_complete;            /* the whole state came */
  guint64 changes;                 /* that came */
  guint64 happened;                /* that there were until it ended */
  SimWaitRow known[SIM_WAIT_ROWS]; /* by slot */
} SimWait;

SimWaits *sim_waits_new (void);
void sim_waits_free (SimWaits *waits);

/* --- what reached the broker --- */

void sim_waits_begin (SimWaits *waits, const SimWait *wait);
/* CANCEL. */
void sim_waits_end (SimWaits *waits, guint connection, guint64 id);
/* The connection of an asker ended. */
void sim_waits_gone (SimWaits *waits, guint connection);
/* A client came, or has no connection any more. */
void sim_waits_changed (SimWaits *waits, guint slot);

/* --- what came to an asker. NULL: it is right, else what is wrong (static) --- */

const char *sim_waits_got_error (SimWaits *waits, guint connection, guint64 id);
const char *sim_waits_got_reply (SimWaits *waits, guint connection, guint64 id, const SimWaitNews *news);

/* --- questions --- */

/* TRUE for a call that began, whether or not it has ended. */
gboolean sim_waits_is_known (const SimWaits *waits, guint connection, guint64 id);
gboolean sim_waits_was_behind (const SimWaits *waits, guint connection, guint64 id);

/* The call at that place, of all that ever began. NULL: there are no more. */
const SimWait *sim_waits_nth (const SimWaits *waits, guint n);
/* The number of open watches. */
guint sim_waits_count_watches (const SimWaits *waits);
/* The latest call of a connection that watches. 0: there is none */
guint64 sim_waits_watched_by (const SimWaits *waits, guint connection);
