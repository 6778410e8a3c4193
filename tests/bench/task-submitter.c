/* SPDX-License-Identifier: Apache-2.0 */
#include "line-worker.h"

#include "test-system.h"
#include "coordination.pb-c.h"

/*
 * The submitter of bench-tasks: `task-submitter ADDRESS ID`. Each line of standard input is a command.
 *
 *   tasks COUNT WINDOW BYTES     runs COUNT tasks "echo", WINDOW at a time       -> tasks MICROSECONDS FAILED
 *   requests COUNT WINDOW BYTES  the same work as plain requests                 -> requests MICROSECONDS FAILED
 *   queue COUNT BYTES            submits tasks without a capable collector       -> queued, when the broker has them
 *   submit OPERATION ID                                                          -> submitted
 *   cancel ID                                                                    -> cancelled, when it has ended
 *   watch                        "event NAME TASK MICROSECONDS" for each event of a task from now on, with the time (wall
 *                                clock) at which the broker published it         -> watching
 */

#define BASELINE "control.collector.task.bench"

typedef struct
{
  Worker *worker;
  guint left; /* tasks that have not begun */
  guint in_flight;
  guint failed;
  GBytes *payload;
} Run;

struct Worker
{
  DeyeBusClient *client;
  DeyeBusSubscription *events;
  GHashTable *tasks; /* id -> DeyeBusTask */
};

/* --- many at once --- */

static GBytes *
make_payload (guint64 size)
{
  return g_bytes_new_take (g_malloc0 (size), size);
}

static void
run_begin (Run *run, char **words)
{
  run->left = (guint) line_worker_number (words[1]);
  run->payload = make_payload (line_worker_number (words[3]));
}

/* @one: starts one of them. */
static void
run_all (Run *run, char **words, void (*one) (Run *run))
{
  const guint window = (guint) line_worker_number (words[2]);
  const gint64 since_us = g_get_monotonic_time ();

  while (run->left > 0 || run->in_flight > 0)
    {
      for (; run->left > 0 && run->in_flight < window; run->left--, run->in_flight++)
        one (run);
      g_main_context_iteration (NULL, TRUE);
    }
  line_worker_print ("%s %" G_GINT64_FORMAT " %u", words[0], g_get_monotonic_time () - since_us, run->failed);
  g_bytes_unref (run->payload);
}

static void
on_finished (DeyeBusTask *task, gpointer data)
{
  Run *run = data;

  run->in_flight--;
  run->failed += deye_bus_task_get_state (task) != DEYE_BUS_TASK_STATE_SUCCEEDED ? 1 : 0;
}

static DeyeBusTask *
submit (const Worker *worker, const char *operation, const char *id, GBytes *payload)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new (operation);
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task;

  deye_bus_task_spec_set_id (spec, id);
  deye_bus_task_spec_set_payload (spec, payload, NULL);
  task = deye_bus_client_submit (worker->client, spec, &error);
  if (task == NULL)
    g_error ("submit: %s", error->message);
  return task;
}

static void
begin_task (Run *run)
{
  g_autoptr (DeyeBusTask) task = submit (run->worker, "echo", NULL, run->payload);

  g_signal_connect (task, "finished", G_CALLBACK (on_finished), run);
}

static void
do_tasks (Worker *worker, char **words)
{
  Run run = { .worker = worker };

  run_begin (&run, words);
  run_all (&run, words, begin_task);
}

static void
on_reply (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (client), result, NULL);
  Run *run = data;

  run->in_flight--;
  run->failed += reply == NULL ? 1 : 0;
}

static void
begin_request (Run *run)
{
  deye_bus_client_request_async (run->worker->client, BASELINE, run->payload, NULL, NULL, on_reply, run);
}

static void
do_requests (Worker *worker, char **words)
{
  Run run = { .worker = worker };

  run_begin (&run, words);
  run_all (&run, words, begin_request);
}

/* --- single tasks --- */

static void
await_state (DeyeBusTask *task, DeyeBusTaskState least)
{
  while (deye_bus_task_get_state (task) < least)
    g_main_context_iteration (NULL, TRUE);
}

static void
do_queue (Worker *worker, char **words)
{
  const guint64 count = line_worker_number (words[1]);
  g_autoptr (GBytes) payload = make_payload (line_worker_number (words[2]));
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint64 i = 0; i < count; i++)
    g_ptr_array_add (tasks, submit (worker, "nobody-has-it", NULL, payload));
  for (guint i = 0; i < tasks->len; i++)
    await_state (tasks->pdata[i], DEYE_BUS_TASK_STATE_QUEUED);
  line_worker_print ("queued");
}

static void
do_submit (Worker *worker, char **words)
{
  g_hash_table_insert (worker->tasks, g_strdup (words[2]), submit (worker, words[1], words[2], NULL));
  line_worker_print ("submitted");
}

static void
do_cancel (Worker *worker, char **words)
{
  DeyeBusTask *task = g_hash_table_lookup (worker->tasks, words[1]);

  deye_bus_task_cancel (task);
  await_state (task, DEYE_BUS_TASK_STATE_SUCCEEDED);
  g_hash_table_remove (worker->tasks, words[1]);
  line_worker_print ("cancelled");
}

/* --- events --- */

static void
on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);
  gsize len;
  const guint8 *bytes = g_bytes_get_data (payload, &len);
  Daemoneye__Eventbus__V1__TaskEvent *event = daemoneye__eventbus__v1__task_event__unpack (NULL, len, bytes);

  line_worker_print ("event %s %s %" G_GINT64_FORMAT, strrchr (deye_bus_message_get_topic (message), '.') + 1,
                     event->task->id, deye_bus_message_get_accept_time (message));
  daemoneye__eventbus__v1__task_event__free_unpacked (event, NULL);
}

static void
do_watch (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;

  worker->events
      = deye_bus_client_subscribe (worker->client, "system.task.+", NULL, on_event, worker, NULL, NULL, &error);
  if (worker->events == NULL)
    g_error ("subscribe: %s", error->message);
  line_worker_print ("watching");
}

/* --- lines --- */

static const LineCommand commands[] = {
  { "tasks", 3, 3, do_tasks },   { "requests", 3, 3, do_requests }, { "queue", 2, 2, do_queue },
  { "submit", 2, 2, do_submit }, { "cancel", 1, 1, do_cancel },     { "watch", 0, 0, do_watch },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Worker worker = { 0 };
  int status;

  if (argc != 3)
    g_error ("usage: task-submitter ADDRESS ID");
  test_system_die_with_parent ();
  worker.tasks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  worker.client = deye_bus_client_new_tool (argv[1], argv[2]);
  if (!deye_bus_client_connect (worker.client, NULL, &error))
    g_error ("connect: %s", error->message);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  g_hash_table_unref (worker.tasks);
  g_clear_object (&worker.events);
  g_object_unref (worker.client);
  return status;
}
