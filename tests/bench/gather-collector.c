/* SPDX-License-Identifier: Apache-2.0 */
#include "test-system.h"

#include <deye-bus.h>

/*
 * A collector of bench-gather: `gather-collector ADDRESS ID`. The payload of its operation "fill", and of a plain request, is the
 * number of bytes to return. It prints "ready" when it is registered.
 */

#define BASELINE "control.collector.task.bench"

/* All answers of a size have the same bytes, like those of the baseline relay. */
static GBytes *
make_answer (GBytes *payload)
{
  static GBytes *last;
  g_autofree char *text = g_strndup (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  const gsize size = g_ascii_strtoull (text, NULL, 10);

  if (last == NULL || g_bytes_get_size (last) != size)
    {
      g_clear_pointer (&last, g_bytes_unref);
      last = g_bytes_new_take (g_malloc0 (size), size);
    }
  return g_bytes_ref (last);
}

static void
on_fill (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  g_autoptr (GBytes) answer = make_answer (deye_bus_work_get_payload (work));

  deye_bus_work_succeed (work, answer, NULL, NULL);
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer client)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GBytes) answer = make_answer (payload);

  deye_bus_client_respond (client, request, answer, NULL, NULL);
}

static void
on_registered (DeyeBusCollector *collector, gpointer data)
{
  DeyeBusClient *client = deye_bus_collector_get_client (collector);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) served
      = deye_bus_client_serve (client, BASELINE, NULL, on_request, client, NULL, NULL, &error);

  if (served == NULL)
    g_error ("serve: %s", error->message);
  g_print ("ready\n");
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new (argv[1], argv[2], "bench");
  g_autoptr (GError) error = NULL;

  test_system_die_with_parent ();
  g_signal_connect (collector, "registered", G_CALLBACK (on_registered), NULL);
  if (!deye_bus_collector_add_operation (collector, "fill", NULL, DEYE_BUS_OPERATION_IDEMPOTENT, on_fill, NULL, NULL,
                                         &error)
      || !deye_bus_collector_run (collector, &error))
    g_error ("collector: %s", error->message);
  return 0;
}
