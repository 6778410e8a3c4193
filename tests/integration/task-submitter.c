/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A submitter in a process of its own: "task-submitter ADDRESS ID". It does not reconnect, so it fails when the broker closes its
 * connection. Its commands are
 *
 *   submit TASK ACT           a task of the operation "scan", whose handler does ACT in each attempt (see task-worker.c):
 *                             "submitted TASK", or "refused TASK MESSAGE"; later "ended TASK STATE TEXT", the result as text
 *   many COUNT SIZE           COUNT tasks "many-N" with a payload of SIZE bytes, which is also the result that is expected:
 *                             "submitted COUNT", and when all have ended "results GOOD"
 *
 * STATE is a number of DeyeBusTaskState.
 */

#include "line-worker.h"

#include <string.h>

struct Worker
{
  DeyeBusClient *client;
  GPtrArray *tasks; /* of DeyeBusTask */
  guint n_many;
  guint n_arrived;
  guint n_good;
};

static DeyeBusTask *
submit (Worker *worker, const char *id, GBytes *payload)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task;

  deye_bus_task_spec_set_id (spec, id);
  deye_bus_task_spec_set_payload (spec, payload, NULL);
  task = deye_bus_client_submit (worker->client, spec, &error);
  g_assert_no_error (error);
  g_ptr_array_add (worker->tasks, task);
  return task;
}

/* The broker has answered. */
static void
await_accepted (const Worker *worker, guint from)
{
  for (guint i = from; i < worker->tasks->len; i++)
    while (deye_bus_task_get_state (worker->tasks->pdata[i]) == DEYE_BUS_TASK_STATE_SUBMITTED)
      g_main_context_iteration (NULL, TRUE);
}

/* --- one task --- */

static void
print_ended (DeyeBusTask *task, gpointer data)
{
  GBytes *result = deye_bus_task_get_result (task);
  gsize len = 0;
  const char *bytes = result != NULL ? g_bytes_get_data (result, &len) : NULL;

  line_worker_print ("ended %s %d %.*s", deye_bus_task_get_id (task), deye_bus_task_get_state (task), (int) len,
                     bytes != NULL ? bytes : "");
}

static void
do_submit (Worker *worker, char **words)
{
  g_autoptr (GBytes) payload = g_bytes_new (words[2], strlen (words[2]));
  DeyeBusTask *task = submit (worker, words[1], payload);

  await_accepted (worker, worker->tasks->len - 1);
  if (deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_REFUSED)
    {
      g_autoptr (GError) error = deye_bus_task_dup_error (task);

      line_worker_print ("refused %s %s", words[1], error->message);
      return;
    }
  line_worker_print ("submitted %s", words[1]);
  if (deye_bus_task_is_finished (task))
    print_ended (task, worker);
  else
    g_signal_connect (task, "finished", G_CALLBACK (print_ended), worker);
}

/* --- many --- */

/* "echo" and a number, so that each task has its own payload. */
static GBytes *
payload_of (guint number, gsize size)
{
  char *text = g_strnfill (size, '.');
  const int len = g_snprintf (text, size, "echo %u", number);

  text[len] = '.';
  return g_bytes_new_take (text, size);
}

static void
on_many_ended (DeyeBusTask *task, gpointer data)
{
  Worker *worker = data;
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_dup_spec (task);
  GBytes *result = deye_bus_task_get_result (task);

  worker->n_arrived++;
  worker->n_good += result != NULL && g_bytes_equal (result, deye_bus_task_spec_get_payload (spec)) ? 1 : 0;
  if (worker->n_arrived == worker->n_many)
    line_worker_print ("results %u", worker->n_good);
}

static void
do_many (Worker *worker, char **words)
{
  const guint from = worker->tasks->len;
  const gsize size = line_worker_number (words[2]);

  worker->n_many = (guint) line_worker_number (words[1]);
  for (guint i = 0; i < worker->n_many; i++)
    {
      g_autofree char *id = g_strdup_printf ("many-%u", i);
      g_autoptr (GBytes) payload = payload_of (i, size);

      g_signal_connect (submit (worker, id, payload), "finished", G_CALLBACK (on_many_ended), worker);
    }
  await_accepted (worker, from);
  line_worker_print ("submitted %u", worker->n_many);
}

static const LineCommand commands[] = {
  { "submit", 2, 2, do_submit },
  { "many", 2, 2, do_many },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Worker worker = { .client = deye_bus_client_new_tool (argv[1], argv[2]),
                    .tasks = g_ptr_array_new_with_free_func (g_object_unref) };
  int status;

  deye_bus_client_set_reconnect (worker.client, FALSE);
  deye_bus_client_connect (worker.client, NULL, &error);
  g_assert_no_error (error);
  status = line_worker_run (worker.client, &worker, commands, G_N_ELEMENTS (commands));
  deye_bus_client_close (worker.client, NULL, NULL);
  g_ptr_array_unref (worker.tasks);
  g_object_unref (worker.client);
  return status;
}
