/* SPDX-License-Identifier: Apache-2.0 */
#include <deye-bus.h>
#include <locale.h>

/*
 * A collector outside of this tree, built against the installed tree with pkg-config only: outside ADDRESS. It answers one
 * request, and asserts that it has the payload of the test.
 */

static void
on_greet (DeyeBusClient *client, DeyeBusMessage *request, gpointer loop)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (request, &len);

  g_assert_cmpstr (deye_bus_message_get_topic (request), ==, "control.collector.outside-1");
  g_assert_cmpstr (deye_bus_message_get_method (request), ==, "Greet");
  g_assert_cmpmem (bytes, len, "hello", 5);
  deye_bus_client_respond (client, request, payload, NULL, &error);
  g_assert_no_error (error);
  g_main_loop_quit (loop);
}

/* Closing sends the answer. */
static gboolean
answer_one (DeyeBusClient *client, GMainLoop *loop, GError **error)
{
  if (!deye_bus_client_connect (client, NULL, error))
    return FALSE;
  g_print ("ready\n");
  g_main_loop_run (loop);
  return deye_bus_client_close (client, NULL, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (argv[1], "outside-1", "outside");
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("org.example.Outside", "Somebody else's.");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  deye_bus_service_add_method (service, "Greet", NULL, NULL, "Returns its payload.", on_greet, loop, NULL);
  if (!deye_bus_client_add_service (client, service, &error) || !answer_one (client, loop, &error))
    {
      g_printerr ("outside: %s\n", error->message);
      return 1;
    }
  return 0;
}
