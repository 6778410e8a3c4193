/* SPDX-License-Identifier: Apache-2.0 */
#include <deye-bus.h>
#include <locale.h>

/* A collector of somebody else, built against the installed tree with pkg-config only: outside ADDRESS. */

static void
on_greet (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);

  deye_bus_client_respond (client, request, payload, NULL, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (argv[1], "outside-1", "outside");
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("org.example.Outside", "Somebody else's.");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  deye_bus_service_add_method (service, "Greet", NULL, NULL, "Says what it was told.", on_greet, NULL, NULL);
  if (!deye_bus_client_add_service (client, service, &error) || !deye_bus_client_connect (client, NULL, &error))
    {
      g_printerr ("outside: %s\n", error->message);
      return 1;
    }
  g_print ("ready\n");
  g_main_loop_run (loop);
  return 0;
}
