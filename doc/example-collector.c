/* SPDX-License-Identifier: Apache-2.0 */
/* A collector in forty lines: the broker gives it tasks of the operation "checksum". */
#include <deye-bus.h>
#include <locale.h>
#include <string.h>

static void
on_checksum (DeyeBusCollector *collector, DeyeBusWork *work, gpointer user_data)
{
  GBytes *payload = deye_bus_work_get_payload (work);
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, payload);
  g_autoptr (GBytes) result = g_bytes_new (sum, strlen (sum));

  deye_bus_work_succeed (work, result, NULL, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new (argc > 1 ? argv[1] : NULL, "demo-1", "demo");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, ""); /* errors are in the user's language */
  if (!deye_bus_collector_add_operation (collector, "checksum", NULL, DEYE_BUS_OPERATION_IDEMPOTENT, on_checksum, NULL,
                                         NULL, &error)
      || !deye_bus_collector_run (collector, &error))
    {
      g_printerr ("demo-1: %s\n", error->message);
      return 1;
    }
  return 0;
}
