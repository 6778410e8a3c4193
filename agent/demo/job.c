/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "job-proc.h"
#include "platform-process.h"
#include "platform-stop.h"

#include <glib/gi18n.h>

/* --- waiting --- */

static gboolean
job_on_timeout (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_CONTINUE;
}

gboolean
job_wait (Job *job, JobDone done, gpointer data, gint64 timeout_us, const char *step, const char *what)
{
  gboolean timed_out = FALSE;
  guint timer = g_timeout_add ((guint) (timeout_us / 1000), job_on_timeout, &timed_out);
  gboolean came;

  while (!(came = done (job, data)) && !timed_out && !job->interrupted)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  if (!came && job->interrupted)
    job_report_step (&job->report, step, FALSE, NULL, _ ("interrupted while waiting for %s"), what);
  else if (!came)
    job_report_step (&job->report, step, FALSE, NULL, _ ("%s did not arrive within %d s"), what,
                     (int) (timeout_us / G_USEC_PER_SEC));
  return came;
}

/* --- collectors --- */

static void
job_on_system_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  Job *job = user_data;
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__peer_event__descriptor, message);
  const Daemoneye__Eventbus__V1__PeerEvent *event;

  if (guard == NULL || !g_str_equal (deye_bus_message_get_topic (message), "system.peer.connected"))
    return;
  event = wire_guard_message (guard);
  g_hash_table_insert (job->connected, g_strdup (event->id), GUINT_TO_POINTER (event->pid));
}

static void
job_keep_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  g_ptr_array_add (user_data, deye_bus_message_ref (message));
}

static gboolean
job_subscribe (Job *job, const char *pattern, DeyeBusMessageCallback callback, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription
      = deye_bus_client_subscribe (job->client, pattern, NULL, callback, data, NULL, NULL, &error);

  if (subscription == NULL)
    job_report_step (&job->report, "subscribe", FALSE, NULL, "%s: %s", pattern, error->message);
  return subscription != NULL;
}

/* An event is published only by the procmond whose shard contains the process, so each event is published once. */
gboolean
job_start_collector (Job *job, guint i)
{
  g_autoptr (GHashTable) processes = job_proc_snapshot ();
  g_autofree char *id = g_strdup_printf ("procmond-%u", i + 1);
  g_autofree char *shard = g_strdup_printf ("%u/%u", i, JOB_COLLECTORS);
  g_autofree char *pace = g_strdup_printf ("%u", job_size_pace_ms (g_hash_table_size (processes)));
  const char *argv[] = { job->procmond,
                         "--id",
                         id,
                         "--shard",
                         shard,
                         "--address",
                         agent_module_address (job->module),
                         "--interval",
                         "200",
                         "--heartbeat",
                         "1000",
                         "--pace",
                         pace,
                         NULL };
  g_autoptr (GError) error = NULL;

  job->collectors[i] = agent_child_start (id, argv, &error);
  if (job->collectors[i] == NULL)
    job_report_step (&job->report, "collectors", FALSE, NULL, "%s: %s", id, error->message);
  return job->collectors[i] != NULL;
}

/* TRUE: each collector has connected, with the pid of the process that was started. */
static gboolean
job_all_connected (Job *job, gpointer data)
{
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    if (GPOINTER_TO_UINT (g_hash_table_lookup (job->connected, job->collectors[i]->name)) != job->collectors[i]->pid)
      return FALSE;
  return TRUE;
}

typedef struct
{
  gboolean beats[JOB_COLLECTORS];
} Heartbeats;

static void
job_on_heartbeat (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  Heartbeats *heartbeats = user_data;
  const char *sender = deye_bus_message_get_sender (message);

  for (guint i = 0; i < JOB_COLLECTORS; i++)
    if (g_str_has_prefix (sender, "procmond-") && sender[9] == (char) ('1' + i))
      heartbeats->beats[i] = TRUE;
}

static gboolean
job_all_sent_heartbeats (Job *job, gpointer data)
{
  const Heartbeats *heartbeats = data;

  for (guint i = 0; i < JOB_COLLECTORS; i++)
    if (!heartbeats->beats[i])
      return FALSE;
  return TRUE;
}

gboolean
job_start_collectors (Job *job)
{
  Heartbeats *heartbeats = g_new0 (Heartbeats, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) beats = deye_bus_client_subscribe (
      job->client, "control.health.heartbeat.+", NULL, job_on_heartbeat, heartbeats, g_free, NULL, &error);

  if (beats == NULL)
    {
      job_report_step (&job->report, "subscribe", FALSE, NULL, "%s", error->message);
      return FALSE;
    }
  if (!job_subscribe (job, "system.#", job_on_system_event, job)
      || !job_subscribe (job, "events.process.#", job_keep_message, job->lifecycle)
      || !job_subscribe (job, "results.procmond", job_keep_message, job->results))
    return FALSE;
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    if (!job_start_collector (job, i))
      return FALSE;
  if (!job_wait (job, job_all_connected, NULL, 10 * G_TIME_SPAN_SECOND, "collectors", _ ("a collector's connection"))
      || !job_wait (job, job_all_sent_heartbeats, heartbeats, 10 * G_TIME_SPAN_SECOND, "collectors",
                    _ ("a collector's heartbeat")))
    return FALSE;
  deye_bus_subscription_unsubscribe (beats, NULL, NULL);
  job_report_step (&job->report, "collectors", TRUE, NULL,
                   _ ("%s (pid %u), %s (pid %u) and %s (pid %u) run as separate processes"), job->collectors[0]->name,
                   job->collectors[0]->pid, job->collectors[1]->name, job->collectors[1]->pid, job->collectors[2]->name,
                   job->collectors[2]->pid);
  return TRUE;
}

/* --- the whole --- */

static const struct
{
  gboolean (*run) (Job *job);
} steps[]
    = { { job_start_collectors }, { job_enumerate },   { job_watch_child }, { job_ask_health },  { job_reload },
        { job_show_slow },        { job_round_trips }, { job_check_idle },  { job_show_shards }, { job_show_failover },
        { job_quarantine },       { job_adopt },       { job_ask_all } };

static void
job_clear (Job *job)
{
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    g_clear_pointer (&job->collectors[i], agent_child_free);
  g_clear_pointer (&job->connected, g_hash_table_unref);
  g_clear_pointer (&job->lifecycle, g_ptr_array_unref);
  g_clear_pointer (&job->results, g_ptr_array_unref);
  g_clear_pointer (&job->procmond, g_free);
}

static gboolean
job_on_interrupt (gpointer data)
{
  ((Job *) data)->interrupted = TRUE;
  return G_SOURCE_CONTINUE;
}

/* A stop request ends the job only between two steps or during a wait, so that processes and files are cleaned up. */
static gboolean
job_run_steps (Job *job)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < G_N_ELEMENTS (steps); i++)
    {
      ok = steps[i].run (job);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      if (ok && job->interrupted)
        {
          job_report_step (&job->report, "interrupted", FALSE, NULL, _ ("the remaining steps were not run"));
          ok = FALSE;
        }
    }
  return ok;
}

/* Keeps all processes running, so that the user can inspect the bus. Drops messages that only the steps needed. */
static void
job_keep_running (Job *job)
{
  job_report_step (&job->report, "running", TRUE, NULL,
                   _ ("until Ctrl-C; inspect the bus with: deyebusctl --address %s introspect"),
                   agent_module_address (job->module));
  while (!job->interrupted)
    {
      g_main_context_iteration (NULL, TRUE);
      g_ptr_array_set_size (job->lifecycle, 0);
      g_ptr_array_set_size (job->results, 0);
      g_hash_table_remove_all (job->connected);
    }
}

static void
job_report_result (Job *job)
{
  job_report_step (&job->report, "result", job->report.failed == 0, NULL,
                   job->report.failed == 0 ? _ ("all checks passed") : _ ("see above for the checks that failed"));
}

static void
job_run_until_stop (Job *job, gboolean keep)
{
  guint stop = platform_stop_add (job_on_interrupt, job);

  if (job_run_steps (job) && keep)
    job_keep_running (job);
  g_source_remove (stop);
}

int
job_run (AgentModule *module, const char *module_path, DeyeBusClient *client, gboolean json, gboolean keep)
{
  static const char *const places[] = { PROCMOND_BUILT, PROCMOND_BESIDE, NULL };
  Job job = {
    .module = module, .module_path = module_path, .client = client, .procmond = agent_child_find ("procmond", places)
  };

  job_report_init (&job.report, json);
  job.connected = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  job.lifecycle = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_message_unref);
  job.results = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_message_unref);
  job_report_step (&job.report, "broker", TRUE, NULL, _ ("module %s %s in this process (pid %d), listening at %s"),
                   module->plugin->name, module->plugin->version, (int) platform_process_id (),
                   agent_module_address (module));
  if (job.procmond != NULL)
    job_run_until_stop (&job, keep);
  else
    job_report_step (&job.report, "collectors", FALSE, NULL,
                     _ ("procmond was not found: it is built only if libgtop2 is available"));
  job_clear (&job);
  job_report_result (&job);
  return job.report.failed == 0 ? 0 : 1;
}
