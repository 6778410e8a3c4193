/* SPDX-License-Identifier: Apache-2.0 */
#include "test-system.h"

#include <deye-bus.h>

/*
 * A collector of bench-tasks: `task-collector ADDRESS ID SLOTS`. It prints "ready" when it is registered.
 *
 * "echo" returns the payload. "hold" runs until it is cancelled, and prints "holds TASK MICROSECONDS" (wall clock) when it begins.
 * "hang" does the same, but its limit for progress is 500 ms, and it never reports progress. Requests on BASELINE are answered
 * with their payload, which is the minimum cost of a request with an answer.
 */

#define BASELINE "control.collector.task.bench"
#define HANG_US  (500 * G_TIME_SPAN_MILLISECOND)

static void
on_echo (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  deye_bus_work_succeed (work, deye_bus_work_get_payload (work), NULL, NULL);
}

static void
on_cancelled (GCancellable *cancellable, gpointer work)
{
  deye_bus_work_acknowledge_cancel (work, NULL);
  g_object_unref (work);
}

static void
on_hold (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  gint64 now_us = g_get_real_time ();

  g_signal_connect (deye_bus_work_get_cancellable (work), "cancelled", G_CALLBACK (on_cancelled), g_object_ref (work));
  g_print ("holds %s %" G_GINT64_FORMAT "\n", deye_bus_work_get_task_id (work), now_us);
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer client)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);

  deye_bus_client_respond (client, request, payload, NULL, NULL);
}

/* @served: (out): is owned by main() */
static void
on_registered (DeyeBusCollector *collector, gpointer served)
{
  DeyeBusClient *client = deye_bus_collector_get_client (collector);
  DeyeBusSubscription **subscription = served;
  g_autoptr (GError) error = NULL;

  if (*subscription == NULL)
    *subscription = deye_bus_client_serve (client, BASELINE, NULL, on_request, client, NULL, NULL, &error);
  if (*subscription == NULL)
    g_error ("serve: %s", error->message);
  g_print ("ready\n");
}

static gboolean
add_operations (DeyeBusCollector *collector, GError **error)
{
  const DeyeBusOperationFlags safe = DEYE_BUS_OPERATION_IDEMPOTENT;

  return deye_bus_collector_add_operation (collector, "echo", NULL, safe, on_echo, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "hold", NULL, safe | DEYE_BUS_OPERATION_WITHOUT_PROGRESS,
                                              on_hold, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "hang", NULL, safe, on_hold, NULL, NULL, error)
         && deye_bus_collector_set_operation_limits (collector, "hold", G_TIME_SPAN_HOUR, 0, error)
         && deye_bus_collector_set_operation_limits (collector, "hang", G_TIME_SPAN_HOUR, HANG_US, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new (argv[1], argv[2], "bench");
  g_autoptr (DeyeBusSubscription) served = NULL;
  g_autoptr (GError) error = NULL;

  test_system_die_with_parent ();
  g_object_set (collector, "max-concurrent", (guint) g_ascii_strtoull (argv[3], NULL, 10), NULL);
  g_signal_connect (collector, "registered", G_CALLBACK (on_registered), &served);
  if (!add_operations (collector, &error) || !deye_bus_collector_run (collector, &error))
    g_error ("collector: %s", error->message);
  return 0;
}
