/* SPDX-License-Identifier: Apache-2.0 */
#include <deye-bus.h>
#include <string.h>

/*
 * A collector for the tests of the tool: `worker ADDRESS ID`. It has two slots, and the tag `os=linux`.
 *
 * It prints "ready" when it is registered, and "drained" when it has drained. Each operation lets a task end in another way.
 */

static void
worker_echo (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  deye_bus_work_succeed (work, deye_bus_work_get_payload (work), deye_bus_work_get_payload_type (work), NULL);
}

static void
worker_steps (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  g_autoptr (GBytes) result = g_bytes_new_static ("\xff\x01", 2);

  deye_bus_work_progress (work, 1, 3, "reading", NULL, NULL);
  deye_bus_work_succeed (work, result, NULL, NULL);
}

static void
worker_fail (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  deye_bus_work_fail (work, "org.example.Full", "the disk is full", NULL);
}

static void
worker_retry (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  deye_bus_work_retry (work, "not now", 3600 * G_TIME_SPAN_SECOND, NULL);
}

/* "stay" ends only when it is cancelled; "harm" never ends, and must not run twice. */
static void
worker_on_cancelled (GCancellable *cancellable, gpointer work)
{
  deye_bus_work_acknowledge_cancel (work, NULL);
  g_object_unref (work);
}

static void
worker_stay (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  deye_bus_work_progress (work, 7, 0, "waiting", NULL, NULL);
  g_signal_connect (deye_bus_work_get_cancellable (work), "cancelled", G_CALLBACK (worker_on_cancelled),
                    g_object_ref (work));
}

/* Returns a truncated answer or an empty one, as the payload determines. */
static void
worker_find (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  gsize len;
  const char *wish = g_bytes_get_data (deye_bus_work_get_payload (work), &len);
  gboolean is_cut = len == 3 && memcmp (wish, "cut", 3) == 0;

  deye_bus_work_set_rows (work, is_cut ? 3 : 0);
  if (is_cut)
    deye_bus_work_set_truncated (work, 3);
  deye_bus_work_succeed (work, is_cut ? deye_bus_work_get_payload (work) : NULL, NULL, NULL);
}

static void
worker_print (DeyeBusCollector *collector, gpointer text)
{
  g_print ("%s\n", (const char *) text);
}

static gboolean
worker_add (DeyeBusCollector *collector, GError **error)
{
  const DeyeBusOperationFlags safe = DEYE_BUS_OPERATION_IDEMPOTENT;

  return deye_bus_collector_add_operation (collector, "echo", "daemoneye.eventbus.v1.ConfigReload", safe, worker_echo,
                                           NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "steps", NULL, safe, worker_steps, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "fail", NULL, safe, worker_fail, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "retry", NULL, safe, worker_retry, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "stay", NULL, safe, worker_stay, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "find", NULL, safe, worker_find, NULL, NULL, error)
         && deye_bus_collector_add_operation (collector, "harm", NULL, DEYE_BUS_OPERATION_NONE, worker_stay, NULL, NULL,
                                              error)
         && deye_bus_collector_set_operation_limits (collector, "stay", G_TIME_SPAN_HOUR, 300 * G_TIME_SPAN_SECOND,
                                                     error)
         && deye_bus_collector_set_operation_limits (collector, "harm", 1000, 0, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new (argv[1], argv[2], "worker");
  g_autoptr (GError) error = NULL;

  g_object_set (collector, "max-concurrent", 2, NULL);
  g_signal_connect (collector, "registered", G_CALLBACK (worker_print), (gpointer) "ready");
  g_signal_connect (collector, "drained", G_CALLBACK (worker_print), (gpointer) "drained");
  if (worker_add (collector, &error) && deye_bus_collector_add_tag (collector, "os", "linux", &error)
      && deye_bus_collector_run (collector, &error))
    return 0;
  g_printerr ("worker: %s\n", error->message);
  return 1;
}
