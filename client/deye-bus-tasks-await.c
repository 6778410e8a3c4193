/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-tasks-private.h"

#include "deye-bus-pack.h"

/*
 * The stream Await: one request without a deadline, whose answers are the newest states of all tasks of this client. When it
 * ends, it is opened again. No change is lost in between, since the broker then sends the present state of each task.
 */

#define WINDOW_MESSAGES 64u
#define WINDOW_BYTES    (1u << 20)
#define LONG_US         (5 * G_TIME_SPAN_SECOND) /* a stream that was open for this time is opened again without a pause */

typedef Daemoneye__Eventbus__V1__TaskPush TaskPush;

/* --- pushes --- */

/* The task that a push is about. A task that is being submitted on this connection is left out: its pushed state may be older
 * than the verdict, and the broker sends the state again when it has accepted the task. */
static DeyeBusTask *
await_find (const DeyeBusTasks *tasks, const char *id)
{
  DeyeBusTask *task = g_hash_table_lookup (tasks->by_id, id);

  return task != NULL && (task->lanes & 1u << DEYE_BUS_TASK_LANE_SUBMIT) == 0 ? task : NULL;
}

static void
await_take_push (DeyeBusTasks *tasks, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_push__descriptor, message);
  const TaskPush *push = guard != NULL ? wire_guard_message (guard) : NULL;
  DeyeBusTask *task = push != NULL && push->task != NULL ? await_find (tasks, push->task->id) : NULL;

  if (task == NULL || !deye_bus_task_take_record (task, push->task, push->skipped))
    g_debug ("client %s: ignored a push that is malformed, or about a task that is not of this client",
             tasks->client->id);
  else
    deye_bus_tasks_announce (tasks, task);
}

static void
await_end (DeyeBusTasks *tasks, gint64 now_us)
{
  gboolean was_long = now_us - tasks->await_since_us >= LONG_US;

  g_clear_pointer (&tasks->await, deye_bus_pending_unref);
  tasks->await_pause_us = was_long ? 0 : deye_bus_tasks_next_pause (tasks->await_pause_us);
  tasks->await_due_us = now_us + tasks->await_pause_us;
}

void
deye_bus_tasks_take_pushes (DeyeBusTasks *tasks, gint64 now_us)
{
  DeyeBusMessage *message;

  if (tasks->await == NULL)
    return;
  while ((message = deye_bus_session_take_answer (tasks->client->session, tasks->await->stream, now_us)) != NULL)
    {
      await_take_push (tasks, message);
      deye_bus_message_unref (message);
    }
  if (tasks->await->done)
    await_end (tasks, now_us);
}

/* --- the request --- */

static gboolean
await_ask (DeyeBusTasks *tasks, GError **error)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .own = TRUE,
                             .topic = "control.bus.task",
                             .type_name = DEYE_BUS_TYPE_PREFIX "AwaitRequest",
                             .options = options,
                             .window_messages = WINDOW_MESSAGES,
                             .window_bytes = WINDOW_BYTES };

  deye_bus_options_set_method (options, "Await");
  return deye_bus_client_start_call (tasks->client, &call, tasks->await, error);
}

void
deye_bus_tasks_await (DeyeBusTasks *tasks, gint64 now_us)
{
  g_autoptr (GError) error = NULL;

  if (tasks->await != NULL || tasks->order.head == NULL || now_us < tasks->await_due_us)
    return;
  tasks->await = deye_bus_pending_new (DEYE_BUS_PENDING_ANSWERS, G_MAXINT64);
  tasks->await->stream = deye_bus_stream_new (WINDOW_MESSAGES, WINDOW_BYTES);
  tasks->await_since_us = now_us;
  if (await_ask (tasks, &error))
    return;
  g_debug ("client %s: Await: %s", tasks->client->id, error->message);
  await_end (tasks, now_us);
}

gint64
deye_bus_tasks_await_next_us (const DeyeBusTasks *tasks)
{
  if (tasks->await != NULL)
    return tasks->await->done || tasks->await->stream->inbox.length > 0 ? 0 : G_MAXINT64;
  return tasks->client->state == DEYE_BUS_CLIENT_STATE_READY && tasks->order.head != NULL ? tasks->await_due_us
                                                                                          : G_MAXINT64;
}
