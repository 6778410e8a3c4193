/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A collector of a chaos run: "chaos-worker ADDRESS ID INSTANCE LEDGER". It runs until SIGTERM, or until it has drained because
 * its end was announced, and writes the actions of its handlers to the ledger (chaos-ledger.h).
 *
 * The payload of a task is "MS ACT...", with an act for each attempt; the last one is also that of all later attempts. Each takes
 * MS milliseconds:
 *
 *   done    reports progress, and succeeds
 *   retry   reports progress, and asks for another attempt
 *   fail    reports progress, and fails permanently
 *   die     reports progress, and ends the process
 *   hang    reports nothing, and never ends by itself
 *   deaf    reports nothing, ignores cancels, and succeeds after its lease has expired
 *
 * A cancel ends every act except deaf at once.
 */

#include "chaos-ledger.h"
#include "deye-bus.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS        4u
#define TICK_MS      40u
#define DEAF_MS      1200u
#define DEATH_STATUS 9
#define LOSS_STATUS  1 /* the run has failed, for instance because messages were not sent at its end */

typedef struct
{
  ChaosLedger *ledger;
  const char *instance;
  DeyeBusCollector *collector;
} ChaosWorker;

typedef struct ChaosRun ChaosRun;

typedef struct
{
  const char *name;
  void (*end) (ChaosRun *run); /* called when its time is over; NULL: it does not end by itself */
  gboolean ignores_cancel;     /* it reports nothing, and a cancel does not end it if it ends by itself */
} ChaosAct;

struct ChaosRun
{
  ChaosWorker *worker;
  DeyeBusWork *work;
  char *task; /* its name in the ledger */
  const ChaosAct *act;
  guint left_ms;
  guint timer;
  gulong cancelled;
};

/* The handler has ended; the outcome is sent next. */
static void
run_note_end (ChaosRun *run, const char *how)
{
  chaos_ledger_write (run->worker->ledger, "end %s %s %u %s", run->worker->instance, run->task,
                      deye_bus_work_get_attempt (run->work), how);
}

static void
run_succeed (ChaosRun *run)
{
  g_autofree char *text
      = g_strdup_printf ("%s/%u/%s", run->worker->instance, deye_bus_work_get_attempt (run->work), run->task);
  g_autoptr (GBytes) result = g_bytes_new (text, strlen (text));

  run_note_end (run, "done");
  deye_bus_work_succeed (run->work, result, NULL, NULL);
}

static void
run_retry (ChaosRun *run)
{
  run_note_end (run, "retry");
  deye_bus_work_retry (run->work, "not yet", 0, NULL);
}

static void
run_fail (ChaosRun *run)
{
  run_note_end (run, "fail");
  deye_bus_work_fail (run->work, "example.Broken", "it does not work", NULL);
}

static void
run_exit (ChaosRun *run)
{
  chaos_ledger_write (run->worker->ledger, "dead %s", run->worker->instance);
  _Exit (DEATH_STATUS);
}

static void
run_free (gpointer data)
{
  ChaosRun *run = data;

  g_signal_handler_disconnect (deye_bus_work_get_cancellable (run->work), run->cancelled);
  g_object_unref (run->work);
  g_free (run->task);
  g_free (run);
}

static gboolean
on_tick (gpointer data)
{
  ChaosRun *run = data;

  if (run->left_ms > TICK_MS || run->act->end == NULL)
    {
      run->left_ms -= MIN (run->left_ms, TICK_MS);
      if (!run->act->ignores_cancel)
        deye_bus_work_progress (run->work, 1, 0, NULL, NULL, NULL);
      return G_SOURCE_CONTINUE;
    }
  run->act->end (run);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  ChaosRun *run = data;

  if (run->act->ignores_cancel && run->act->end != NULL)
    return;
  run_note_end (run, "cancelled");
  deye_bus_work_acknowledge_cancel (run->work, NULL);
  g_source_remove (run->timer);
}

static const ChaosAct acts[] = {
  { "done", run_succeed, FALSE }, { "retry", run_retry, FALSE }, { "fail", run_fail, FALSE },
  { "die", run_exit, FALSE },     { "hang", NULL, TRUE },        { "deaf", run_succeed, TRUE },
};

static const ChaosAct *
find_act (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    if (g_str_equal (acts[i].name, name))
      return &acts[i];
  g_error ("unknown act: %s", name);
}

/* Each broker generates the same ids for the tasks of questions, so the epoch is added. */
static char *
name_of (DeyeBusWork *work, guint64 epoch)
{
  const char *id = deye_bus_work_get_task_id (work);

  return strchr (id, '.') != NULL ? g_strdup_printf ("%s@%" G_GUINT64_FORMAT, id, epoch) : g_strdup (id);
}

static void
on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  GBytes *payload = deye_bus_work_get_payload (work);
  g_autofree char *text = g_strndup (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  const guint attempt = deye_bus_work_get_attempt (work);
  const guint64 epoch = deye_bus_client_get_broker_epoch (deye_bus_collector_get_client (collector));
  ChaosRun *run = g_new0 (ChaosRun, 1);

  run->worker = data;
  run->task = name_of (work, epoch);
  chaos_ledger_write (run->worker->ledger, "begin %s %s %u %s %" G_GUINT64_FORMAT, run->worker->instance, run->task,
                      attempt, deye_bus_work_get_operation (work), epoch);
  run->work = g_object_ref (work);
  run->act = find_act (words[MIN (attempt, g_strv_length (words) - 1)]);
  run->left_ms = (guint) g_ascii_strtoull (words[0], NULL, 10) + (run->act->ignores_cancel ? DEAF_MS : 0);
  run->timer = g_timeout_add_full (G_PRIORITY_DEFAULT, TICK_MS, on_tick, run, run_free);
  run->cancelled = g_signal_connect (deye_bus_work_get_cancellable (work), "cancelled", G_CALLBACK (on_cancelled), run);
}

static void
on_registered (DeyeBusCollector *collector, gpointer data)
{
  ChaosWorker *worker = data;

  chaos_ledger_write (worker->ledger, "registered %s %" G_GUINT64_FORMAT, worker->instance,
                      deye_bus_client_get_broker_epoch (deye_bus_collector_get_client (collector)));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    DeyeBusOperationFlags flags;
  } operations[] = {
    { "scan", DEYE_BUS_OPERATION_IDEMPOTENT },
    { "quiet", DEYE_BUS_OPERATION_IDEMPOTENT | DEYE_BUS_OPERATION_WITHOUT_PROGRESS },
    { "harm", DEYE_BUS_OPERATION_NONE },
  };
  ChaosWorker worker = { .instance = argv[3], .ledger = chaos_ledger_open (argv[4]) };
  g_autoptr (GError) error = NULL;
  gboolean has_ended_well;

  worker.collector = deye_bus_collector_new (argv[1], argv[2], "worker");
  g_object_set (worker.collector, "max-concurrent", SLOTS, NULL);
  g_signal_connect (worker.collector, "registered", G_CALLBACK (on_registered), &worker);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      deye_bus_collector_add_operation (worker.collector, operations[i].name, NULL, operations[i].flags, on_work,
                                        &worker, NULL, &error);
      g_assert_no_error (error);
    }
  has_ended_well = deye_bus_collector_run (worker.collector, &error);
  if (!has_ended_well)
    g_printerr ("%s: %s\n", worker.instance, error->message);
  g_object_unref (worker.collector);
  chaos_ledger_free (worker.ledger);
  return has_ended_well ? 0 : LOSS_STATUS;
}
