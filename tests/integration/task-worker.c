/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A collector in a process of its own, whose handlers follow the payload of their task: "task-worker ADDRESS ID SLOTS ACT
 * PROGRESS_US".
 *
 * The payload has a word for each attempt; the last word is also that of all later attempts:
 *
 *   done      succeeds; the result is "ID ATTEMPT"
 *   hold      reports progress once, and runs until a command ends it; ignores cancels
 *   obey      the same as hold, but a cancel ends it
 *   tick      the same as hold, but it reports progress all the time
 *   retry     fails, and asks for another attempt
 *   fail      fails permanently
 *   die       ends the process without notifying the broker
 *   echo      succeeds; the result is the payload
 *
 * With an ACT other than "-" each work does that, and its payload is ignored. PROGRESS_US is the limit of progress of the
 * operation scan; 0: that of the agent.
 *
 * The operations have different properties: scan and other may run twice, quiet may run twice and reports no progress, and harm
 * must not run twice.
 *
 * It prints "registered", "draining", "drained", "set-aside", "run TASK ATTEMPT BESIDE" for each call of a handler (BESIDE: other
 * works that run here), "cancel TASK REASON", and "standing REVISION ID..." for each set of standing tasks; it refuses a set with
 * a task that is called "impossible". Its commands are
 *
 *   succeed TASK TEXT, fail TASK, retry TASK US, cancelled TASK      end a work: "ended TASK", or "refused TASK MESSAGE"
 *   progress TASK TEXT                  "progress TASK", or "refused TASK MESSAGE"
 *   withdraw OPERATION                  "withdrawn"
 *   unit NAME HEALTH REASON             sets the health (1 to 3) of a unit: "unit NAME"
 *   drain US                            "draining", later "drained"
 *   stop US                             drains for that time, deregisters and ends: "stopped"
 *   die                                 as above
 */

#include "line-worker.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS      10
#define DEATH_STATUS 9

struct Worker
{
  DeyeBusCollector *collector;
  const char *id;
  const char *act;   /* of every work; NULL: the payload contains it */
  GHashTable *works; /* id of the task -> DeyeBusWork */
  gboolean is_stopped;
};

static const char *const cancel_reasons[] = {
  [DEYE_BUS_CANCEL_NONE] = "none",         [DEYE_BUS_CANCEL_ASKED] = "asked",
  [DEYE_BUS_CANCEL_EXPIRED] = "expired",   [DEYE_BUS_CANCEL_SUPERSEDED] = "superseded",
  [DEYE_BUS_CANCEL_DRAINING] = "draining", [DEYE_BUS_CANCEL_STOPPED] = "stopped",
};

/* --- acts --- */

static DeyeBusWork *
find_cancelled (Worker *worker, GCancellable *cancellable)
{
  GHashTableIter iter;
  gpointer work;

  g_hash_table_iter_init (&iter, worker->works);
  while (g_hash_table_iter_next (&iter, NULL, &work))
    if (deye_bus_work_get_cancellable (work) == cancellable)
      return work;
  g_error ("a work was cancelled that does not run here");
}

static void
hold_on_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusWork *work = find_cancelled (data, cancellable);

  line_worker_print ("cancel %s %s", deye_bus_work_get_task_id (work),
                     cancel_reasons[deye_bus_work_get_cancel_reason (work)]);
}

static void
act_hold (Worker *worker, DeyeBusWork *work)
{
  g_hash_table_insert (worker->works, g_strdup (deye_bus_work_get_task_id (work)), g_object_ref (work));
  g_signal_connect (deye_bus_work_get_cancellable (work), "cancelled", G_CALLBACK (hold_on_cancelled), worker);
  deye_bus_work_progress (work, 1, 2, "begun", NULL, NULL);
}

static void
obey_on_cancelled (GCancellable *cancellable, gpointer data)
{
  Worker *worker = data;
  DeyeBusWork *work = find_cancelled (worker, cancellable);

  deye_bus_work_acknowledge_cancel (work, NULL);
  g_hash_table_remove (worker->works, deye_bus_work_get_task_id (work));
}

static void
act_obey (Worker *worker, DeyeBusWork *work)
{
  act_hold (worker, work);
  g_signal_connect (deye_bus_work_get_cancellable (work), "cancelled", G_CALLBACK (obey_on_cancelled), worker);
}

static gboolean
tick_on_time (gpointer data)
{
  DeyeBusWork *work = data;

  if (deye_bus_work_is_ended (work))
    return G_SOURCE_REMOVE;
  deye_bus_work_progress (work, 1, 0, "alive", NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void
act_tick (Worker *worker, DeyeBusWork *work)
{
  act_hold (worker, work);
  g_timeout_add_full (G_PRIORITY_DEFAULT, TICK_MS, tick_on_time, g_object_ref (work), g_object_unref);
}

static void
act_done (Worker *worker, DeyeBusWork *work)
{
  g_autofree char *text = g_strdup_printf ("%s %u", worker->id, deye_bus_work_get_attempt (work));
  g_autoptr (GBytes) result = g_bytes_new (text, strlen (text));

  deye_bus_work_succeed (work, result, NULL, NULL);
}

static void
act_retry (Worker *worker, DeyeBusWork *work)
{
  deye_bus_work_retry (work, "not yet", 0, NULL);
}

static void
act_fail (Worker *worker, DeyeBusWork *work)
{
  deye_bus_work_fail (work, "example.Broken", "it does not work", NULL);
}

static void
act_echo (Worker *worker, DeyeBusWork *work)
{
  deye_bus_work_succeed (work, deye_bus_work_get_payload (work), NULL, NULL);
}

static void
act_die (Worker *worker, DeyeBusWork *work)
{
  _Exit (DEATH_STATUS);
}

static const struct
{
  const char *name;
  void (*run) (Worker *worker, DeyeBusWork *work);
} acts[] = {
  { "done", act_done },   { "hold", act_hold }, { "obey", act_obey }, { "tick", act_tick },
  { "retry", act_retry }, { "fail", act_fail }, { "die", act_die },   { "echo", act_echo },
};

static void
on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  Worker *worker = data;
  gsize len;
  const char *payload = g_bytes_get_data (deye_bus_work_get_payload (work), &len);
  g_autofree char *text = g_strndup (payload, len);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  const guint attempt = deye_bus_work_get_attempt (work);
  const char *word = worker->act != NULL ? worker->act : words[MIN (attempt, g_strv_length (words)) - 1];

  line_worker_print ("run %s %u %u", deye_bus_work_get_task_id (work), attempt,
                     deye_bus_collector_get_running (collector) - 1);
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (g_str_equal (acts[i].name, word))
      {
        acts[i].run (worker, work);
        return;
      }
  g_error ("unknown act: %s", word);
}

/* --- commands --- */

static DeyeBusWork *
work_of (Worker *worker, char **words)
{
  DeyeBusWork *work = g_hash_table_lookup (worker->works, words[1]);

  if (work == NULL)
    g_error ("%s does not run here", words[1]);
  return work;
}

static void
print_ended (Worker *worker, char **words, gboolean ok, const GError *error)
{
  if (ok)
    line_worker_print ("ended %s", words[1]);
  else
    line_worker_print ("refused %s %s", words[1], error->message);
  g_hash_table_remove (worker->works, words[1]);
}

static void
do_succeed (Worker *worker, char **words)
{
  g_autoptr (GBytes) result = g_bytes_new (words[2], strlen (words[2]));
  g_autoptr (GError) error = NULL;
  gboolean ok = deye_bus_work_succeed (work_of (worker, words), result, NULL, &error);

  print_ended (worker, words, ok, error);
}

static void
do_fail (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = deye_bus_work_fail (work_of (worker, words), "example.Broken", "it does not work", &error);

  print_ended (worker, words, ok, error);
}

static void
do_retry (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  const gint64 after_us = (gint64) line_worker_number (words[2]);
  gboolean ok = deye_bus_work_retry (work_of (worker, words), "not yet", after_us, &error);

  print_ended (worker, words, ok, error);
}

static void
do_cancelled (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = deye_bus_work_acknowledge_cancel (work_of (worker, words), &error);

  print_ended (worker, words, ok, error);
}

static void
do_progress (Worker *worker, char **words)
{
  g_autoptr (GError) error = NULL;

  if (deye_bus_work_progress (work_of (worker, words), 1, 2, words[2], NULL, &error))
    line_worker_print ("progress %s", words[1]);
  else
    line_worker_print ("refused %s %s", words[1], error->message);
}

static void
do_withdraw (Worker *worker, char **words)
{
  if (!deye_bus_collector_remove_operation (worker->collector, words[1], NULL))
    g_error ("there is no operation %s", words[1]);
  line_worker_print ("withdrawn");
}

static void
do_unit (Worker *worker, char **words)
{
  deye_bus_collector_set_unit_health (worker->collector, words[1], (DeyeBusHealth) line_worker_number (words[2]),
                                      words[3]);
  line_worker_print ("unit %s", words[1]);
}

static void
do_drain (Worker *worker, char **words)
{
  deye_bus_collector_drain (worker->collector, (gint64) line_worker_number (words[1]), NULL);
}

static void
on_stopped (GObject *collector, GAsyncResult *result, gpointer data)
{
  ((Worker *) data)->is_stopped = TRUE;
  line_worker_print ("stopped");
}

static void
do_stop (Worker *worker, char **words)
{
  deye_bus_collector_stop_async (worker->collector, (gint64) line_worker_number (words[1]), NULL, on_stopped, worker);
}

static void
do_die (Worker *worker, char **words)
{
  _Exit (DEATH_STATUS);
}

static const LineCommand commands[] = {
  { "succeed", 2, 2, do_succeed },   { "fail", 1, 1, do_fail },
  { "retry", 2, 2, do_retry },       { "cancelled", 1, 1, do_cancelled },
  { "progress", 2, 2, do_progress }, { "withdraw", 1, 1, do_withdraw },
  { "unit", 3, 3, do_unit },         { "drain", 1, 1, do_drain },
  { "stop", 1, 1, do_stop },         { "die", 0, 0, do_die },
};

/* --- the collector --- */

static void
on_news (DeyeBusCollector *collector, gpointer text)
{
  line_worker_print ("%s", (const char *) text);
}

static char *
on_standing (DeyeBusCollector *collector, guint64 revision, GPtrArray *tasks, gpointer data)
{
  g_autoptr (GString) ids = g_string_new (NULL);
  gboolean is_possible = TRUE;

  for (guint i = 0; i < tasks->len; i++)
    {
      const char *id = deye_bus_standing_task_get_id (tasks->pdata[i]);

      g_string_append_printf (ids, " %s", id);
      is_possible = is_possible && !g_str_equal (id, "impossible");
    }
  line_worker_print ("standing %" G_GUINT64_FORMAT "%s", revision, ids->str);
  return is_possible ? NULL : g_strdup ("it is impossible");
}

static void
begin (Worker *worker, const char *address, guint slots, gint64 progress_us)
{
  static const char *const news[] = { "registered", "draining", "drained", "set-aside" };
  static const struct
  {
    const char *name;
    DeyeBusOperationFlags flags;
  } operations[] = {
    { "scan", DEYE_BUS_OPERATION_IDEMPOTENT },
    { "other", DEYE_BUS_OPERATION_IDEMPOTENT },
    { "quiet", DEYE_BUS_OPERATION_IDEMPOTENT | DEYE_BUS_OPERATION_WITHOUT_PROGRESS },
    { "harm", DEYE_BUS_OPERATION_NONE },
  };
  g_autoptr (GError) error = NULL;

  worker->collector = deye_bus_collector_new (address, worker->id, "worker");
  g_object_set (worker->collector, "max-concurrent", slots, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (news); i++)
    g_signal_connect (worker->collector, news[i], G_CALLBACK (on_news), (gpointer) news[i]);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    deye_bus_collector_add_operation (worker->collector, operations[i].name, NULL, operations[i].flags, on_work, worker,
                                      NULL, &error);
  deye_bus_collector_set_operation_limits (worker->collector, "scan", 0, progress_us, &error);
  deye_bus_collector_set_standing_handler (worker->collector, on_standing, worker, NULL, NULL);
  deye_bus_collector_start (worker->collector, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  Worker worker = { .id = argv[2], .act = g_str_equal (argv[4], "-") ? NULL : argv[4] };
  int status;

  worker.works = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  begin (&worker, argv[1], (guint) line_worker_number (argv[3]), (gint64) line_worker_number (argv[5]));
  status
      = line_worker_run (deye_bus_collector_get_client (worker.collector), &worker, commands, G_N_ELEMENTS (commands));
  if (!worker.is_stopped)
    deye_bus_collector_stop (worker.collector, 1, NULL);
  g_hash_table_unref (worker.works);
  g_object_unref (worker.collector);
  return worker.is_stopped ? 0 : status;
}
