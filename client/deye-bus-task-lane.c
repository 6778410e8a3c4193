/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-tasks-private.h"

#include "deye-bus-pack.h"

/*
 * A lane of tasks: the tasks that wait for a request of one kind, and the request that has no answer yet.
 *
 * An answer contains a verdict for each task, in the order of the request. If a request gets no answer, because the connection
 * ended or the broker was overloaded, it is made again for the same tasks, in the same order.
 */

#define BATCH_TASKS   256u /* the smallest value of the broker's setting task-batch */
#define BATCH_BYTES   (256u * 1024u)
#define VERDICT_BYTES 320u /* room that the broker needs in its reply for one verdict */

static const DeyeBusTaskLaneKind *
lane_kind (const DeyeBusTaskLane *lane)
{
  return &deye_bus_task_lane_kinds[lane->id];
}

static guint
lane_bit (const DeyeBusTaskLane *lane)
{
  return 1u << lane->id;
}

/* --- tasks that wait --- */

void
deye_bus_task_lane_push (DeyeBusTaskLane *lane, DeyeBusTask *task)
{
  if (task->lanes & lane_bit (lane))
    return;
  task->lanes |= lane_bit (lane);
  g_queue_push_tail (&lane->waiting, g_object_ref (task));
}

static void
lane_push_back (DeyeBusTaskLane *lane, DeyeBusTask *task)
{
  task->lanes |= lane_bit (lane);
  g_queue_push_head (&lane->waiting, g_object_ref (task));
}

void
deye_bus_task_lane_forget (DeyeBusTaskLane *lane, DeyeBusTask *task)
{
  if (!g_queue_remove (&lane->waiting, task))
    return;
  task->lanes &= ~lane_bit (lane);
  g_object_unref (task);
}

static DeyeBusTask *
lane_pop (DeyeBusTaskLane *lane)
{
  DeyeBusTask *task = g_queue_pop_head (&lane->waiting);

  if (task != NULL)
    task->lanes &= ~lane_bit (lane);
  return task;
}

static void
lane_end_batch (DeyeBusTaskLane *lane)
{
  for (guint i = 0; i < lane->in_flight->len; i++)
    ((DeyeBusTask *) lane->in_flight->pdata[i])->lanes &= ~lane_bit (lane);
  g_clear_pointer (&lane->in_flight, g_ptr_array_unref);
  g_clear_pointer (&lane->pending, deye_bus_pending_unref);
}

void
deye_bus_task_lane_abandon (DeyeBusTaskLane *lane)
{
  if (lane->pending == NULL)
    return;
  for (guint i = 0; i < lane->in_flight->len; i++)
    (void) lane_kind (lane)->returned (lane, lane->in_flight->pdata[i], lane->pending->sent);
  lane_end_batch (lane);
}

void
deye_bus_task_lane_clear (DeyeBusTaskLane *lane)
{
  DeyeBusTask *task;

  while ((task = lane_pop (lane)) != NULL)
    g_object_unref (task);
  deye_bus_task_lane_abandon (lane);
}

gboolean
deye_bus_task_lane_is_idle (const DeyeBusTaskLane *lane)
{
  return lane->pending == NULL && lane->waiting.length == 0;
}

gint64
deye_bus_task_lane_next_us (const DeyeBusTaskLane *lane)
{
  if (lane->pending != NULL)
    return lane->pending->done ? 0 : G_MAXINT64;
  return lane->waiting.length > 0 ? lane->due_us : G_MAXINT64;
}

/* --- the answer --- */

static void
lane_pause (DeyeBusTaskLane *lane, gint64 now_us)
{
  lane->pause_us = deye_bus_tasks_next_pause (lane->pause_us);
  lane->due_us = now_us + lane->pause_us;
}

static void
lane_unpause (DeyeBusTaskLane *lane)
{
  lane->pause_us = 0;
  lane->due_us = 0;
}

/* Tasks of @batch that have no answer wait again. */
static void
lane_return (DeyeBusTaskLane *lane, const GPtrArray *batch, gboolean sent)
{
  for (guint i = batch->len; i > 0; i--)
    if (lane_kind (lane)->returned (lane, batch->pdata[i - 1], sent))
      lane_push_back (lane, batch->pdata[i - 1]);
}

static void
lane_take_verdicts (DeyeBusTasks *tasks,
                    DeyeBusTaskLane *lane,
                    const GPtrArray *batch,
                    gconstpointer reply,
                    gint64 now_us)
{
  g_autoptr (GPtrArray) unanswered = g_ptr_array_new ();
  DeyeBusVerdict *const *verdicts;
  gsize n;

  verdicts = lane_kind (lane)->verdicts (reply, &n);
  for (guint i = 0; i < batch->len; i++)
    if (i < n && strcmp (verdicts[i]->id, deye_bus_task_get_id (batch->pdata[i])) == 0)
      lane_kind (lane)->answered (tasks, lane, batch->pdata[i], verdicts[i]);
    else
      g_ptr_array_add (unanswered, batch->pdata[i]);
  lane_unpause (lane);
  if (unanswered->len > 0)
    lane_pause (lane, now_us);
  lane_return (lane, unanswered, TRUE);
}

/* TRUE if the same request would be refused again. */
static gboolean
lane_is_refusal (const GError *error)
{
  static const DeyeBusError codes[] = { DEYE_BUS_ERROR_DENIED,    DEYE_BUS_ERROR_UNSUPPORTED,
                                        DEYE_BUS_ERROR_LIMIT,     DEYE_BUS_ERROR_PROTOCOL,
                                        DEYE_BUS_ERROR_BAD_TOPIC, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                                        DEYE_BUS_ERROR_ABSENT,    DEYE_BUS_ERROR_NO_RESPONDERS };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, DEYE_BUS_ERROR, (gint) codes[i]))
      return TRUE;
  return FALSE;
}

static gboolean
lane_lost_connection (const DeyeBusTasks *tasks, const DeyeBusTaskLane *lane)
{
  return tasks->client->state != DEYE_BUS_CLIENT_STATE_READY || lane->connection != tasks->client->n_sessions;
}

static void
lane_take_error (DeyeBusTasks *tasks,
                 DeyeBusTaskLane *lane,
                 const GPtrArray *batch,
                 const DeyeBusPending *pending,
                 gint64 now_us)
{
  gboolean lost = lane_lost_connection (tasks, lane);

  g_debug ("%s of %u tasks: %s", lane_kind (lane)->method, batch->len, pending->error->message);
  if (!lost && lane_is_refusal (pending->error))
    {
      for (guint i = 0; i < batch->len; i++)
        lane_kind (lane)->refused (tasks, lane, batch->pdata[i], pending->error);
      return;
    }
  if (!lost)
    lane_pause (lane, now_us);
  lane_return (lane, batch, pending->sent);
}

static void
lane_take_reply (DeyeBusTasks *tasks,
                 DeyeBusTaskLane *lane,
                 const GPtrArray *batch,
                 const DeyeBusPending *pending,
                 gint64 now_us)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (lane_kind (lane)->reply, pending->reply);

  if (guard != NULL)
    {
      lane_take_verdicts (tasks, lane, batch, wire_guard_message (guard), now_us);
      return;
    }
  g_debug ("%s: the answer is malformed", lane_kind (lane)->method);
  lane_pause (lane, now_us);
  lane_return (lane, batch, TRUE);
}

void
deye_bus_task_lane_take (DeyeBusTasks *tasks, DeyeBusTaskLane *lane, gint64 now_us)
{
  g_autoptr (DeyeBusPending) pending = NULL;
  g_autoptr (GPtrArray) batch = NULL;

  if (lane->pending == NULL || !lane->pending->done)
    return;
  pending = deye_bus_pending_ref (lane->pending);
  batch = g_ptr_array_ref (lane->in_flight);
  lane_end_batch (lane);
  if (pending->error == NULL)
    lane_take_reply (tasks, lane, batch, pending, now_us);
  else
    lane_take_error (tasks, lane, batch, pending, now_us);
}

/* --- the request --- */

static gsize
lane_batch_bytes (const DeyeBusTasks *tasks)
{
  guint64 largest = deye_bus_client_get_largest_payload (tasks->client);

  return largest > 0 ? (gsize) MIN (largest, BATCH_BYTES) : BATCH_BYTES;
}

static guint
lane_batch_tasks (gsize bytes_max)
{
  return (guint) CLAMP (bytes_max / VERDICT_BYTES, 1, BATCH_TASKS);
}

static gboolean
lane_skips (const DeyeBusTaskLane *lane, const DeyeBusTask *task)
{
  return lane_kind (lane)->live_only && deye_bus_task_state_is_final (task->state);
}

static GPtrArray *
lane_take_batch (DeyeBusTaskLane *lane, gsize bytes_max)
{
  GPtrArray *batch = g_ptr_array_new_with_free_func (g_object_unref);
  const guint n_max = lane_batch_tasks (bytes_max);
  gsize bytes = 0;

  while (lane->waiting.length > 0 && batch->len < n_max)
    {
      DeyeBusTask *task = lane->waiting.head->data;

      if (lane_skips (lane, task))
        {
          g_object_unref (lane_pop (lane));
          continue;
        }
      bytes += lane_kind (lane)->size (task);
      if (batch->len > 0 && bytes > bytes_max)
        break;
      g_ptr_array_add (batch, lane_pop (lane));
    }
  for (guint i = 0; i < batch->len; i++)
    ((DeyeBusTask *) batch->pdata[i])->lanes |= lane_bit (lane);
  return batch;
}

static gboolean
lane_ask (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, GError **error)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = lane_kind (lane)->pack (lane->in_flight);
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .own = lane->id == DEYE_BUS_TASK_LANE_SETTLE,
                             .topic = lane_kind (lane)->topic,
                             .type_name = lane_kind (lane)->type_name,
                             .payload = payload,
                             .options = options };

  deye_bus_options_set_method (options, lane_kind (lane)->method);
  return deye_bus_client_start_call (tasks->client, &call, lane->pending, error);
}

void
deye_bus_task_lane_send (DeyeBusTasks *tasks, DeyeBusTaskLane *lane, gint64 now_us)
{
  g_autoptr (GPtrArray) batch = NULL;
  GError *error = NULL;

  if (lane->pending != NULL || lane->waiting.length == 0 || now_us < lane->due_us)
    return;
  batch = lane_take_batch (lane, lane_batch_bytes (tasks));
  if (batch->len == 0)
    return;
  lane->in_flight = g_steal_pointer (&batch);
  lane->pending = deye_bus_client_new_broker_pending ();
  lane->connection = tasks->client->n_sessions;
  lane->epoch = tasks->client->epoch;
  if (lane_ask (tasks, lane, &error))
    return;
  lane->pending->done = TRUE;
  lane->pending->error = error;
  deye_bus_task_lane_take (tasks, lane, now_us);
}
