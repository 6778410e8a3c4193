/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "control.pb-c.h"
#include "deye-bus-pack.h"
#include "health.pb-c.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The steps of the demonstration that manage collectors: a direct request to one collector, a broadcast to all, and the check that
 * the bus is idle at the end. */

static const char *
manage_health_name (guint32 health)
{
  static const char *const names[] = { "unknown", "healthy", "degraded", "unhealthy" };

  return health < G_N_ELEMENTS (names) ? names[health] : names[0];
}

/* A degraded collector works, and reports the problem, for example processes that it may not read. */
static gboolean
manage_report_health (Job *job, DeyeBusMessage *reply)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__health_reply__descriptor, reply);
  const Daemoneye__Eventbus__V1__HealthReply *health = guard != NULL ? wire_guard_message (guard) : NULL;
  gboolean works
      = health != NULL
        && (health->health == DAEMONEYE__EVENTBUS__V1__HEALTH__HEALTH_HEALTHY
            || (health->health == DAEMONEYE__EVENTBUS__V1__HEALTH__HEALTH_DEGRADED && *health->detail != '\0'));
  gboolean ok = works && health->pid == job->collectors[0]->pid;

  if (health == NULL)
    job_report_step (&job->report, "direct", FALSE, NULL, _ ("the reply can't be read"));
  else
    job_report_step (&job->report, "direct", ok, NULL, _ ("%s (pid %u) reports that it is %s, up for %.1f s"),
                     health->id, health->pid, manage_health_name (health->health), (double) health->uptime_us / 1e6);
  if (health != NULL && *health->detail != '\0')
    job_report_detail (&job->report, "%s", health->detail);
  return ok;
}

gboolean
job_ask_health (Job *job)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;

  deye_bus_options_set_target (options, "procmond-1");
  deye_bus_options_set_method (options, "HealthCheck");
  deye_bus_options_set_timeout (options, 5 * G_TIME_SPAN_SECOND);
  reply = deye_bus_client_request (job->client, "control.collector.procmond-1", NULL, options, NULL, &error);
  if (reply != NULL)
    return manage_report_health (job, reply);
  job_report_step (&job->report, "direct", FALSE, NULL, "%s", error->message);
  return FALSE;
}

/* --- reload --- */

#define CORRELATION "demo-reload"

static gboolean
reload_is_acknowledged_by (const Job *job, const char *id)
{
  for (guint i = 0; i < job->results->len; i++)
    {
      DeyeBusMessage *message = g_ptr_array_index (job->results, i);

      if (g_strcmp0 (deye_bus_message_get_correlation_id (message), CORRELATION) == 0
          && g_str_equal (deye_bus_message_get_sender (message), id))
        return TRUE;
    }
  return FALSE;
}

static gboolean
reload_is_acknowledged_by_all (Job *job, gpointer data)
{
  for (guint i = 0; i < JOB_COLLECTORS; i++)
    if (!reload_is_acknowledged_by (job, job->collectors[i]->name))
      return FALSE;
  return TRUE;
}

gboolean
job_reload (Job *job)
{
  Daemoneye__Eventbus__V1__ConfigReload reload;
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result;

  daemoneye__eventbus__v1__config_reload__init (&reload);
  reload.generation = 1;
  payload = deye_bus_pack (&reload.base);
  deye_bus_options_set_correlation_id (options, CORRELATION);
  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.ConfigReload");
  if (!deye_bus_client_broadcast (job->client, "control.collector.config.reload", payload, options, &result, NULL,
                                  &error))
    {
      job_report_step (&job->report, "broadcast", FALSE, NULL, "%s", error->message);
      return FALSE;
    }
  if (!job_wait (job, reload_is_acknowledged_by_all, NULL, 10 * G_TIME_SPAN_SECOND, "broadcast",
                 _ ("an acknowledgement")))
    return FALSE;
  job_report_step (&job->report, "broadcast", result.queued == JOB_COLLECTORS, NULL,
                   _ ("reload was sent to %u collectors, and each acknowledged it"), result.queued);
  return TRUE;
}

/* --- idle --- */

#define IDLE_PATIENCE_US (20 * G_TIME_SPAN_SECOND)

typedef Daemoneye__Eventbus__V1__BusTotals BusTotals;

/* The pending requests in @totals include the request for the totals. */
static gboolean
manage_is_drained (const BusTotals *totals)
{
  return totals->queued_messages == 0 && totals->pending_requests == 1;
}

static void
manage_report_idle (Job *job, const BusTotals *totals)
{
  gboolean idle = manage_is_drained (totals) && totals->missed == job->missed;

  job_report_step (&job->report, "idle", idle, NULL,
                   _ ("%" PRIu64 " messages accepted, %" PRIu64 " delivered, %" PRIu64 " missed; %" PRIu64
                      " queued, %u pending besides this request"),
                   (guint64) totals->accepted, (guint64) totals->delivered, (guint64) totals->missed,
                   (guint64) totals->queued_messages, totals->pending_requests - MIN (totals->pending_requests, 1));
}

/* NULL: there is no readable reply, and the reason was printed. */
static WireGuard *
manage_ask_stats (Job *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply
      = deye_bus_client_request (job->client, "control.bus.stats", NULL, NULL, NULL, &error);
  g_autoptr (WireGuard) guard
      = reply != NULL ? deye_bus_unpack (&daemoneye__eventbus__v1__stats_reply__descriptor, reply) : NULL;

  if (guard != NULL && ((const Daemoneye__Eventbus__V1__StatsReply *) wire_guard_message (guard))->totals != NULL)
    return g_steal_pointer (&guard);
  job_report_step (&job->report, "idle", FALSE, NULL, "%s",
                   error != NULL ? error->message : _ ("the reply can't be read"));
  return NULL;
}

/* procmonds publish events at any time, and on a busy machine these wait for a while: asks again then. */
gboolean
job_check_idle (Job *job)
{
  const gint64 until_us = g_get_monotonic_time () + IDLE_PATIENCE_US;
  const BusTotals *totals = NULL;
  g_autoptr (WireGuard) guard = NULL;

  do
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_clear_pointer (&guard, wire_guard_free);
      guard = manage_ask_stats (job);
      if (guard == NULL)
        return FALSE;
      totals = ((const Daemoneye__Eventbus__V1__StatsReply *) wire_guard_message (guard))->totals;
    }
  while (!manage_is_drained (totals) && g_get_monotonic_time () < until_us && !job->interrupted);
  manage_report_idle (job, totals);
  return TRUE;
}
