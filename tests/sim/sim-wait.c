/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-wait.h"

#include <string.h>

typedef struct
{
  SimWait call;
  gboolean was_answered; /* by a final answer or an ERROR */
  gboolean has_state;
  gboolean was_behind;
  guint64 seq;
} WaitCall;

struct SimWaits
{
  GPtrArray *calls; /* WaitCall, all that ever began */
};

SimWaits *
sim_waits_new (void)
{
  SimWaits *waits = g_new0 (SimWaits, 1);

  waits->calls = g_ptr_array_new_with_free_func (g_free);
  return waits;
}

void
sim_waits_free (SimWaits *waits)
{
  g_ptr_array_unref (waits->calls);
  g_free (waits);
}

static WaitCall *
wait_find (const SimWaits *waits, guint connection, guint64 id)
{
  for (guint i = 0; i < waits->calls->len; i++)
    {
      WaitCall *call = g_ptr_array_index (waits->calls, i);

      if (call->call.connection == connection && call->call.id == id)
        return call;
    }
  return NULL;
}

/* --- input of the broker --- */

void
sim_waits_begin (SimWaits *waits, const SimWait *wait)
{
  WaitCall *call = g_new0 (WaitCall, 1);

  call->call = *wait;
  g_ptr_array_add (waits->calls, call);
}

void
sim_waits_end (SimWaits *waits, guint connection, guint64 id)
{
  WaitCall *call = wait_find (waits, connection, id);

  if (call != NULL)
    call->call.has_ended = TRUE;
}

void
sim_waits_gone (SimWaits *waits, guint connection)
{
  for (guint i = 0; i < waits->calls->len; i++)
    {
      WaitCall *call = g_ptr_array_index (waits->calls, i);

      call->call.has_ended = call->call.has_ended || call->call.connection == connection;
    }
}

void
sim_waits_changed (SimWaits *waits, guint slot)
{
  for (guint i = 0; i < waits->calls->len; i++)
    {
      SimWait *call = &((WaitCall *) g_ptr_array_index (waits->calls, i))->call;

      call->happened += !call->has_ended && (call->slot == SIM_WAIT_ALL || call->slot == slot);
    }
}

/* --- input of an asker --- */

static const char *
wait_take_row (WaitCall *call, const SimWaitRow *row, gboolean is_change)
{
  SimWaitRow *known;

  if (row->slot >= SIM_WAIT_ROWS || (call->call.slot != SIM_WAIT_ALL && row->slot != call->call.slot))
    return "K11: a client was reported that the call does not wait for";
  known = &call->call.known[row->slot];
  if (is_change && !row->present && !known->present)
    return "K11: a client was reported as gone twice";
  if (!is_change && !row->present)
    return "K11: the state contains a client that is not connected";
  *known = *row;
  return NULL;
}

const char *
sim_waits_got_error (SimWaits *waits, guint connection, guint64 id)
{
  WaitCall *call = wait_find (waits, connection, id);

  if (call->was_answered)
    return "K11: an ERROR followed the final answer";
  call->was_answered = call->call.has_ended = TRUE;
  return NULL;
}

const char *
sim_waits_got_reply (SimWaits *waits, guint connection, guint64 id, const SimWaitNews *news)
{
  WaitCall *call = wait_find (waits, connection, id);
  const char *problem = NULL;

  if (call->was_answered)
    return "K11: an answer followed the final one";
  if (!call->has_state && !news->restart)
    return "K11: a change came before the state";
  if (news->seq < call->seq)
    return "K11: the sequence of an answer is below the one before";
  if (news->is_final == call->call.watches)
    return "K11: a watch ended with an answer, or a wait did not";
  if (news->seq < call->call.begun_at)
    return "K11: the sequence of an answer is below that of the call";
  call->was_behind = call->was_behind || (news->restart && call->has_state);
  call->call.is_counted = call->call.is_counted && !call->was_behind;
  call->call.changes += news->restart ? 0 : 1;
  call->has_state = TRUE;
  call->seq = news->seq;
  call->was_answered = news->is_final;
  call->call.is_complete = news->complete;
  if (news->restart)
    memset (call->call.known, 0, sizeof call->call.known);
  for (guint i = 0; i < news->n && problem == NULL; i++)
    problem = wait_take_row (call, &news->rows[i], !news->restart);
  if (news->is_final && (news->n != 1 || !news->rows[0].present))
    problem = "K11: the answer does not name a connected client";
  if (news->is_final)
    call->call.has_ended = TRUE;
  return problem;
}

/* --- queries --- */

gboolean
sim_waits_is_known (const SimWaits *waits, guint connection, guint64 id)
{
  return wait_find (waits, connection, id) != NULL;
}

gboolean
sim_waits_was_behind (const SimWaits *waits, guint connection, guint64 id)
{
  return wait_find (waits, connection, id)->was_behind;
}

const SimWait *
sim_waits_nth (const SimWaits *waits, guint n)
{
  return n < waits->calls->len ? &((const WaitCall *) g_ptr_array_index (waits->calls, n))->call : NULL;
}

guint
sim_waits_count_watches (const SimWaits *waits)
{
  const SimWait *wait;
  guint n = 0;

  for (guint i = 0; (wait = sim_waits_nth (waits, i)) != NULL; i++)
    n += wait->watches && !wait->has_ended;
  return n;
}

guint64
sim_waits_watched_by (const SimWaits *waits, guint connection)
{
  const SimWait *wait;
  guint64 id = 0;

  for (guint i = 0; (wait = sim_waits_nth (waits, i)) != NULL; i++)
    if (!wait->has_ended && wait->watches && wait->connection == connection)
      id = wait->id;
  return id;
}
