/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-module.h"
#include "demo/job-subscriber.h"
#include "demo/job.h"
#include "deye-bus-locale.h"
#include "deye-bus.h"
#include "platform-ready.h"
#include "platform-stop.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>

/*
 * daemoneye-agent, the reference host of the event bus: it loads the module, connects as its first client, and runs until
 * it is asked to stop. With --demo it runs the demonstration once and ends. It knows the broker by daemoneye-plugin.h only,
 * and does everything on the bus through the client library.
 */

#define AGENT_ID "daemoneye-agent"

typedef struct
{
  char *address;
  char *config;
  char *module_path;
  char **collectors;
  gboolean demo;
  gboolean json;
  gboolean keep;
  gboolean version;
  gboolean demo_child;
  gint demo_subscriber; /* number of the last message; 0: this process is not the demonstration's subscriber */
  gint ready_fd;

  AgentModule module;
  DeyeBusClient *client;
  GPtrArray *children;
  char *demo_dir;
  GMainLoop *loop;
  int status;
} Agent;

static gboolean
agent_on_stop (gpointer data)
{
  g_main_loop_quit (((Agent *) data)->loop);
  return G_SOURCE_CONTINUE;
}

/* All that the child process of the demonstration does. */
static void
agent_wait_for_stop (Agent *self)
{
  guint stop = platform_stop_add (agent_on_stop, self);

  g_main_loop_run (self->loop);
  g_source_remove (stop);
}

static gboolean
agent_parse_options (Agent *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "address", 0, 0, G_OPTION_ARG_FILENAME, &self->address, N_ ("Socket to listen on"), N_ ("PATH") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &self->config, N_ ("Configuration of the broker"), N_ ("FILE") },
    { "module", 0, 0, G_OPTION_ARG_FILENAME, &self->module_path, N_ ("Event bus module to load"), N_ ("FILE") },
    { "collector", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->collectors,
      N_ ("Start this collector, with --address (may be repeated)"), N_ ("COMMAND") },
    { "demo", 0, 0, G_OPTION_ARG_NONE, &self->demo, N_ ("Demonstrate the bus with this machine's processes, then exit"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("With --demo: print one JSON object per line"), NULL },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &self->keep, N_ ("With --demo: continue until Ctrl-C"), NULL },
    { "ready-fd", 0, 0, G_OPTION_ARG_INT, &self->ready_fd, N_ ("Write the address to FD when the broker listens"),
      N_ ("FD") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &self->version, N_ ("Show the version"), NULL },
    { "demo-child", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &self->demo_child, NULL, NULL },
    { "demo-subscriber", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &self->demo_subscriber, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, _ ("Runs the DaemonEye event bus, to which collectors connect."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  return g_option_context_parse (context, argc, argv, error);
}

/* The demonstration uses a directory of its own, for root as well, so that it never meets a broker that is in use. */
static gboolean
agent_prepare_demo (Agent *self, GError **error)
{
  if (!self->demo)
    return TRUE;
  self->demo_dir = g_dir_make_tmp ("daemoneye-demo-XXXXXX", error);
  if (self->demo_dir == NULL)
    return FALSE;
  g_free (self->address);
  self->address = g_build_filename (self->demo_dir, "eventbus.sock", NULL);
  return TRUE;
}

static gboolean
agent_start_broker (Agent *self, GError **error)
{
  g_autofree char *path = agent_module_find (self->module_path);

  return agent_module_load (&self->module, path, error)
         && agent_module_start (&self->module, self->address, self->config, error);
}

/* Describes for tools what this agent publishes. */
static gboolean
agent_describe_itself (Agent *self, GError **error)
{
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("daemoneye.Agent", "The agent that hosts the broker.");

  deye_bus_service_add_event (service, "ConfigReload", "control.collector.config.reload",
                              "daemoneye.eventbus.v1.ConfigReload",
                              "Asks all collectors to read their configuration again.");
  return deye_bus_client_add_service (self->client, service, error);
}

static gboolean
agent_join_bus (Agent *self, GError **error)
{
  gintptr handle = agent_module_connect (&self->module, error);

  if (handle < 0)
    return FALSE;
  self->client = deye_bus_client_new_for_fd (handle, AGENT_ID, NULL);
  return agent_describe_itself (self, error) && deye_bus_client_connect (self->client, NULL, error);
}

/* @command: split into words as a shell does. The address of the bus is inserted after the program's name. */
static AgentChild *
agent_start_collector (Agent *self, const char *command, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_auto (GStrv) argv = NULL;
  g_autofree char *name = NULL;

  if (!g_shell_parse_argv (command, NULL, &argv, error))
    return NULL;
  name = g_path_get_basename (argv[0]);
  g_ptr_array_add (words, argv[0]);
  g_ptr_array_add (words, (gpointer) "--address");
  g_ptr_array_add (words, (gpointer) agent_module_address (&self->module));
  for (char **word = argv + 1; *word != NULL; word++)
    g_ptr_array_add (words, *word);
  g_ptr_array_add (words, NULL);
  return agent_child_start (name, (const char *const *) words->pdata, error);
}

static gboolean
agent_start_collectors (Agent *self, GError **error)
{
  for (char **command = self->collectors; command != NULL && *command != NULL; command++)
    {
      AgentChild *child = agent_start_collector (self, *command, error);

      if (child == NULL)
        return FALSE;
      g_ptr_array_add (self->children, child);
    }
  return TRUE;
}

static void
agent_report_ready (Agent *self)
{
  g_info ("listening at %s", agent_module_address (&self->module));
  platform_ready_report (self->ready_fd, agent_module_address (&self->module));
}

static gboolean
agent_run (Agent *self, GError **error)
{
  if (!agent_prepare_demo (self, error) || !agent_start_broker (self, error) || !agent_join_bus (self, error))
    return FALSE;
  if (self->demo)
    {
      self->status = job_run (&self->module, self->client, self->json, self->keep);
      return TRUE;
    }
  if (!agent_start_collectors (self, error))
    return FALSE;
  agent_report_ready (self);
  agent_wait_for_stop (self);
  return TRUE;
}

static void
agent_clear (Agent *self)
{
  g_ptr_array_unref (self->children);
  if (self->client != NULL)
    deye_bus_client_close (self->client, NULL, NULL);
  g_clear_object (&self->client);
  agent_module_stop (&self->module);
  if (self->demo_dir != NULL)
    g_rmdir (self->demo_dir);
  g_main_loop_unref (self->loop);
  g_free (self->demo_dir);
  g_free (self->address);
  g_free (self->config);
  g_free (self->module_path);
  g_strfreev (self->collectors);
}

/* Writes structured records to the journal when stderr is connected to it, else lines to stderr. */
static GLogWriterOutput
agent_write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (g_log_writer_is_journald (fileno (stderr)))
    return g_log_writer_journald (level, fields, n_fields, data);
  return g_log_writer_default (level, fields, n_fields, data);
}

int
main (int argc, char **argv)
{
  Agent self = { .ready_fd = -1 };
  g_autoptr (GError) error = NULL;

  deye_bus_locale_init ();
  g_log_set_writer_func (agent_write_log, NULL, NULL);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.children = g_ptr_array_new_with_free_func ((GDestroyNotify) agent_child_free);
  if (!agent_parse_options (&self, &argc, &argv, &error))
    self.status = 2;
  else if (self.version)
    g_print ("daemoneye-agent %s\n", PACKAGE_VERSION);
  else if (self.demo_child)
    agent_wait_for_stop (&self);
  else if (self.demo_subscriber > 0)
    self.status = job_subscriber_run (self.address, (guint64) self.demo_subscriber, &error) ? 0 : 1;
  else if (!agent_run (&self, &error))
    self.status = 1;
  if (error != NULL)
    g_printerr ("daemoneye-agent: %s\n", error->message);
  agent_clear (&self);
  return self.status;
}
