/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <glib/gi18n.h>
#include <stdlib.h>

/* The step of the demonstration that measures round trips: requests through the broker to another process, and their replies. The
 * result contains every round trip. */

#define WARM_UP 500u
#define ROUNDS  10000u

static int
latency_by_value (const void *a, const void *b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static gboolean
latency_ask (Job *job, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  g_autoptr (DeyeBusMessage) reply
      = deye_bus_client_request (job->client, "control.collector.procmond-1", payload, options, NULL, error);

  return reply != NULL;
}

static double
latency_percentile (const gint64 *sorted_us, double share)
{
  return (double) sorted_us[(guint) (share * (ROUNDS - 1))];
}

static void
latency_report (Job *job, gint64 *times_us)
{
  JsonObject *facts = json_object_new ();
  double p50, p99, p999;

  qsort (times_us, ROUNDS, sizeof times_us[0], latency_by_value);
  p50 = latency_percentile (times_us, 0.5);
  p99 = latency_percentile (times_us, 0.99);
  p999 = latency_percentile (times_us, 0.999);
  json_object_set_int_member (facts, "rounds", ROUNDS);
  json_object_set_double_member (facts, "p50_us", p50);
  json_object_set_double_member (facts, "p99_us", p99);
  json_object_set_double_member (facts, "p999_us", p999);
  job_report_step (&job->report, "round-trips", TRUE, facts,
                   _ ("%u requests to procmond-1 and back: p50 %.0f us, p99 %.0f us, p99.9 %.0f us"), ROUNDS, p50, p99,
                   p999);
}

gboolean
job_round_trips (Job *job)
{
  g_autofree gint64 *times_us = g_new (gint64, ROUNDS);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = g_bytes_new_static ("0123456789abcdef", 16);
  g_autoptr (GError) error = NULL;
  gboolean ok = TRUE;

  deye_bus_options_set_target (options, "procmond-1");
  deye_bus_options_set_method (options, "Ping");
  for (guint i = 0; ok && i < WARM_UP; i++)
    ok = latency_ask (job, payload, options, &error);
  for (guint i = 0; ok && i < ROUNDS; i++)
    {
      const gint64 start_us = g_get_monotonic_time ();

      ok = latency_ask (job, payload, options, &error);
      times_us[i] = g_get_monotonic_time () - start_us;
    }
  if (ok)
    latency_report (job, times_us);
  else
    job_report_step (&job->report, "round-trips", FALSE, NULL, "%s", error->message);
  return ok;
}
