/* SPDX-License-Identifier: Apache-2.0 */
/* A collector in thirty lines: it subscribes, serves, publishes, and runs until it is interrupted. */
#include <deye-bus.h>
#include <locale.h>

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer user_data)
{
  gsize len;
  const guint8 *data = deye_bus_message_get_data (message, &len);

  g_print ("%s from %s: %.*s\n", deye_bus_message_get_topic (message), deye_bus_message_get_sender (message), (int) len,
           data);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (argc > 1 ? argv[1] : NULL, "demo-1", "demo");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GBytes) hello = g_bytes_new_static ("hello", 5);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) mine = NULL;
  DeyeBusPublishResult result;

  setlocale (LC_ALL, ""); /* errors are in the user's language */
  if (!deye_bus_client_connect (client, NULL, &error)
      || !deye_bus_client_serve_standard (client, NULL, NULL, NULL, NULL, &error)
      || !(mine = deye_bus_client_subscribe (client, "events.demo.#", NULL, on_message, NULL, NULL, NULL, &error))
      || !deye_bus_client_publish (client, "events.demo.hello", hello, NULL, &result, NULL, &error))
    {
      g_printerr ("demo-1: %s\n", error->message);
      return 1;
    }
  g_print ("published to %u subscriber\n", result.matched);
  g_main_loop_run (loop);
  return 0;
}
