/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of calls that wait for clients or watch them: the answers that an asker may get. It includes no header of the core.
 *
 * A watcher gets the state, and then each change of it. For each call: the state comes first, with `restart`; only watched
 * clients are reported; sequences do not decrease, and none is older than the call; nothing follows the final answer or an
 * ERROR; no client disconnects twice without a connection in between. If the broker did not send the whole state a second time,
 * the watcher was sent as many changes as there were, and none after its CANCEL. At rest it knows which clients are connected.
 */

#define SIM_WAIT_ALL  G_MAXUINT
#define SIM_WAIT_ROWS 16u

typedef struct SimWaits SimWaits;

/* The part of an answer about one client. */
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
  gboolean is_counted;             /* the numbers of changes are compared: the state came once, and not late */
  guint64 begun_at;                /* accept sequence */
  gboolean has_ended;              /* by an answer, CANCEL or the end of the connection */
  gboolean is_complete;            /* the whole state came */
  guint64 changes;                 /* changes in the answers */
  guint64 happened;                /* changes in the model until the call ended */
  SimWaitRow known[SIM_WAIT_ROWS]; /* the state of the clients in the answers, by slot */
} SimWait;

SimWaits *sim_waits_new (void);
void sim_waits_free (SimWaits *waits);

/* --- input of the broker --- */

void sim_waits_begin (SimWaits *waits, const SimWait *wait);
/* CANCEL. */
void sim_waits_end (SimWaits *waits, guint connection, guint64 id);
/* The connection of an asker ended. */
void sim_waits_gone (SimWaits *waits, guint connection);
/* A client has connected or disconnected. */
void sim_waits_changed (SimWaits *waits, guint slot);

/* --- frames that an asker received. They return the fault (static), or NULL --- */

const char *sim_waits_got_error (SimWaits *waits, guint connection, guint64 id);
const char *sim_waits_got_reply (SimWaits *waits, guint connection, guint64 id, const SimWaitNews *news);

/* --- queries --- */

/* TRUE for a call that has begun, even if it has ended. */
gboolean sim_waits_is_known (const SimWaits *waits, guint connection, guint64 id);
gboolean sim_waits_was_behind (const SimWaits *waits, guint connection, guint64 id);

/* Returns the @n-th call of all that ever began; NULL: there are no more. */
const SimWait *sim_waits_nth (const SimWaits *waits, guint n);
/* The number of open watches. */
guint sim_waits_count_watches (const SimWaits *waits);
/* Returns the latest call of a connection that watches; 0: none. */
guint64 sim_waits_watched_by (const SimWaits *waits, guint connection);
