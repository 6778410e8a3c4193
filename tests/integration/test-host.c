/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A host program for tests: loads the module like an agent, and executes commands that a test sends as lines.
 *
 *   start ADDRESS [CONFIG]  a broker: "started N ADDRESS" or "failed CODE MESSAGE"
 *   connect N               "connected"; sends a connection with the agent's role over the test's channel
 *   stats N                 "stats peers=.. connections=.. queued_messages=.. queued_bytes=.. charged_bytes=.. missed=.."
 *   stop N                  "stopped N"
 *   block                   "blocked"; the main loop is blocked until the line "unblock": "unblocked"
 *   child-fds               the handles that a child process inherits: "child-fd N TARGET"..., "child-done"
 *
 * At the end of its standard input it stops the brokers that still run, and ends with status 0.
 */

#include "child-handles.h"
#include "daemoneye-plugin.h"
#include "test-channel.h"
#include "test-system.h"

#include <gmodule.h>
#include <stdio.h>

#define MAX_BUSES 16u

typedef struct
{
  const DaemoneyePlugin *plugin;
  DaemoneyeBus *buses[MAX_BUSES];
  guint n_buses;
  TestChannel *channel;
  GDataInputStream *input;
  GMainLoop *loop;
} Host;

static void
do_start (Host *host, const char *address, const char *config)
{
  DaemoneyeHost ours = { .struct_size = sizeof ours, .address = address };
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBus *bus;

  g_assert_cmpuint (host->n_buses, <, MAX_BUSES);
  bus = host->plugin->start (&ours, config, &error);
  if (bus == NULL)
    {
      printf ("failed %d %s\n", error.code, error.message);
      return;
    }
  host->buses[host->n_buses] = bus;
  printf ("started %u %s\n", host->n_buses, host->plugin->address (bus));
  host->n_buses++;
}

static void
do_connect (Host *host, DaemoneyeBus *bus)
{
  DaemoneyeError problem = { .struct_size = sizeof problem };
  intptr_t handle = host->plugin->connect (bus, &problem);

  if (handle == -1)
    {
      printf ("failed %d %s\n", problem.code, problem.message);
      return;
    }
  test_channel_send (host->channel, handle);
  test_channel_close_handle (handle);
  printf ("connected\n");
}

static void
do_stats (Host *host, DaemoneyeBus *bus)
{
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };

  g_assert_cmpint (host->plugin->stats (bus, &stats), ==, 0);
  printf ("stats peers=%u connections=%u queued_messages=%" G_GUINT64_FORMAT " queued_bytes=%" G_GUINT64_FORMAT
          " charged_bytes=%" G_GUINT64_FORMAT " missed=%" G_GUINT64_FORMAT "\n",
          stats.peers, stats.connections, (guint64) stats.queued_messages, (guint64) stats.queued_bytes,
          (guint64) stats.charged_bytes, (guint64) stats.missed);
}

/* Blocks the main loop of the host. */
static void
do_block (Host *host)
{
  g_autofree char *line = NULL;

  printf ("blocked\n");
  fflush (stdout);
  line = g_data_input_stream_read_line (host->input, NULL, NULL, NULL);
  g_assert_cmpstr (line, ==, "unblock");
  printf ("unblocked\n");
}

static void
stop (Host *host, guint i)
{
  if (host->buses[i] != NULL)
    host->plugin->stop (host->buses[i], 2 * G_USEC_PER_SEC);
  host->buses[i] = NULL;
}

static DaemoneyeBus *
bus_number (Host *host, const char *text)
{
  guint64 i = g_ascii_strtoull (text, NULL, 10);

  g_assert_cmpuint (i, <, host->n_buses);
  g_assert_nonnull (host->buses[i]);
  return host->buses[i];
}

static void
run_command (Host *host, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint n = g_strv_length (words);

  if (n >= 2 && g_str_equal (words[0], "start"))
    do_start (host, words[1], n > 2 && words[2][0] != '\0' ? words[2] : NULL);
  else if (n == 2 && g_str_equal (words[0], "connect"))
    do_connect (host, bus_number (host, words[1]));
  else if (n == 2 && g_str_equal (words[0], "stats"))
    do_stats (host, bus_number (host, words[1]));
  else if (n == 2 && g_str_equal (words[0], "stop"))
    {
      bus_number (host, words[1]);
      stop (host, (guint) g_ascii_strtoull (words[1], NULL, 10));
      printf ("stopped %s\n", words[1]);
    }
  else if (g_str_equal (line, "block"))
    do_block (host);
  else if (g_str_equal (line, "child-fds"))
    child_handles_print ();
  else
    g_error ("unknown command: %s", line);
  fflush (stdout);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  g_autofree char *line = g_data_input_stream_read_line_finish (host->input, result, NULL, NULL);

  if (line == NULL)
    {
      g_main_loop_quit (host->loop);
      return;
    }
  run_command (host, line);
  g_data_input_stream_read_line_async (host->input, G_PRIORITY_DEFAULT, NULL, on_line, host);
}

static const DaemoneyePlugin *
load (const char *path)
{
  GModule *module = g_module_open (path, G_MODULE_BIND_LOCAL);
  const DaemoneyePlugin *(*describe) (void) = NULL;
  const DaemoneyePlugin *plugin;

  if (module == NULL)
    g_error ("%s", g_module_error ());
  g_module_make_resident (module);
  if (!g_module_symbol (module, DAEMONEYE_PLUGIN_SYMBOL, (gpointer *) &describe))
    g_error ("%s", g_module_error ());
  plugin = describe ();
  g_assert_cmphex (plugin->magic, ==, DAEMONEYE_PLUGIN_MAGIC);
  g_assert_cmpuint (plugin->abi_major, ==, DAEMONEYE_PLUGIN_ABI_MAJOR);
  g_assert_cmpuint (plugin->struct_size, >=, sizeof *plugin);
  return plugin;
}

int
main (int argc, char **argv)
{
  g_autoptr (GInputStream) input = test_system_standard_input ();
  Host host = { 0 };

  if (child_handles_run_list (argc, argv))
    return 0;
  g_assert_cmpint (argc, ==, 2);

  host.channel = test_channel_inherited ();
  host.plugin = load (argv[1]);
  host.input = g_data_input_stream_new (input);
  host.loop = g_main_loop_new (NULL, FALSE);
  g_data_input_stream_read_line_async (host.input, G_PRIORITY_DEFAULT, NULL, on_line, &host);
  g_main_loop_run (host.loop);

  for (guint i = 0; i < host.n_buses; i++)
    stop (&host, i);
  g_main_loop_unref (host.loop);
  g_object_unref (host.input);
  g_clear_pointer (&host.channel, test_channel_free);
  return 0;
}
