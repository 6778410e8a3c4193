/* SPDX-License-Identifier: Apache-2.0 */
#include <deye-bus.h>
#include <locale.h>
#include <string.h>

/*
 * A collector of somebody else, built against the installed tree with pkg-config only: outside ADDRESS. It answers one request,
 * and succeeds if that is what the test sent.
 */

typedef struct
{
  GMainLoop *loop;
  gboolean as_sent;
} Outside;

static gboolean
is_as_sent (DeyeBusMessage *request)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (request, &len);

  return g_strcmp0 (deye_bus_message_get_topic (request), "control.collector.outside-1") == 0
         && g_strcmp0 (deye_bus_message_get_method (request), "Greet") == 0 && len == 5
         && memcmp (bytes, "hello", 5) == 0;
}

static void
on_greet (DeyeBusClient *client, DeyeBusMessage *request, gpointer user_data)
{
  Outside *self = user_data;
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);

  self->as_sent = is_as_sent (request) && deye_bus_client_respond (client, request, payload, NULL, NULL);
  g_main_loop_quit (self->loop);
}

/* Closing sends the answer. */
static gboolean
answer_one (DeyeBusClient *client, Outside *self, GError **error)
{
  if (!deye_bus_client_connect (client, NULL, error))
    return FALSE;
  g_print ("ready\n");
  g_main_loop_run (self->loop);
  return deye_bus_client_close (client, NULL, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (argv[1], "outside-1", "outside");
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("org.example.Outside", "Somebody else's.");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  Outside outside = { loop, FALSE };

  setlocale (LC_ALL, "");
  deye_bus_service_add_method (service, "Greet", NULL, NULL, "Returns its payload.", on_greet, &outside, NULL);
  if (!deye_bus_client_add_service (client, service, &error) || !answer_one (client, &outside, &error))
    {
      g_printerr ("outside: %s\n", error->message);
      return 1;
    }
  return outside.as_sent ? 0 : 1;
}
