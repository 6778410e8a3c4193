/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-collectors.h"
#include "agent-log.h"
#include "agent-module.h"
#include "agent-notify.h"
#include "agent-peers.h"
#include "agent-reload.h"
#include "demo/job-place.h"
#include "demo/job-subscriber.h"
#include "demo/job-worker.h"
#include "demo/job.h"
#include "deye-bus-locale.h"
#include "deye-bus.h"
#include "platform-console.h"
#include "platform-log.h"
#include "platform-ready.h"
#include "platform-reload.h"
#include "platform-stop.h"

#include <glib/gi18n.h>

/*
 * daemoneye-agent, the reference host of the event bus: it loads the module, connects as its first client, and runs until
 * it is asked to stop. With --demo it runs the demonstration once and ends. It uses the broker only through daemoneye-plugin.h,
 * and the bus only through the client library.
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
  char *demo_worker;    /* id; NULL: this process is not a worker of the demonstration */
  gint demo_subscriber; /* number of the last message; 0: this process is not the demonstration's subscriber */
  gint ready_fd;

  AgentModule module;
  DeyeBusClient *client;
  AgentCollectors *children;
  guint stop; /* sources of the default context; 0: none */
  guint reload;
  guint watchdog;
  guint64 reloads;
  JobPlace demo_place;
  gboolean is_stopping;
  int status;
} Agent;

static gboolean
agent_on_stop (gpointer data)
{
  ((Agent *) data)->is_stopping = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
agent_wait_for_stop (Agent *self)
{
  while (!self->is_stopping)
    g_main_context_iteration (NULL, TRUE);
}

/* Runs the child process of the demonstration, which only waits for a stop request. */
static void
agent_run_demo_child (Agent *self)
{
  guint stop = platform_stop_add (agent_on_stop, self);

  agent_wait_for_stop (self);
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
    { "demo-worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &self->demo_worker, NULL, NULL },
    { "demo-subscriber", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &self->demo_subscriber, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, _ ("Runs the DaemonEye event bus, to which collectors connect."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc < 2)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("Unexpected argument %s"), (*argv)[1]);
  return FALSE;
}

/* The demonstration has its own address and configuration. */
static gboolean
agent_prepare_demo (Agent *self, GError **error)
{
  if (!self->demo)
    return TRUE;
  if (!job_place_create (&self->demo_place, error))
    return FALSE;
  g_free (self->address);
  self->address = g_strdup (self->demo_place.address);
  g_free (self->config);
  self->config = g_strdup (self->demo_place.config);
  return TRUE;
}

static gboolean
agent_start_broker (Agent *self, GError **error)
{
  char *given = g_steal_pointer (&self->module_path);

  self->module_path = agent_module_find (given);
  g_free (given);
  return agent_module_load (&self->module, self->module_path, error)
         && agent_module_start (&self->module, self->address, self->config, error);
}

/* Describes the events of this agent, for tools. */
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

static gboolean
agent_start_collectors (Agent *self, GError **error)
{
  self->children = agent_collectors_new ();
  for (char **command = self->collectors; command != NULL && *command != NULL; command++)
    if (!agent_collectors_start (self->children, *command, agent_module_address (&self->module), error))
      return FALSE;
  return TRUE;
}

static void
agent_notify_state (const Agent *self)
{
  g_autofree char *status = g_strdup_printf ("Listening at %s", agent_module_address (&self->module));

  agent_notify_ready (status);
}

static void
agent_report_ready (const Agent *self)
{
  const char *address = agent_module_address (&self->module);
  AgentLogField fields[] = { { "ADDRESS", address }, { NULL, NULL } };

  agent_log (AGENT_LOG_NOTICE, fields, "listening at %s", address);
  platform_ready_report (self->ready_fd, address);
  agent_notify_state (self);
}

static gboolean
agent_on_reload (gpointer data)
{
  Agent *self = data;

  if (self->is_stopping) /* no other state may follow STOPPING */
    return G_SOURCE_CONTINUE;
  agent_notify_reloading ();
  agent_reload (self->client, ++self->reloads);
  agent_notify_state (self);
  return G_SOURCE_CONTINUE;
}

/* The broker's thread answers the request for statistics, so the service manager also detects that this thread hangs. */
static gboolean
agent_on_watchdog (gpointer data)
{
  Agent *self = data;

  if (agent_module_is_alive (&self->module))
    agent_notify_alive ();
  return G_SOURCE_CONTINUE;
}

static void
agent_start_watchdog (Agent *self)
{
  gint64 limit_us = agent_notify_watchdog_us ();

  if (limit_us > 0)
    self->watchdog = g_timeout_add ((guint) CLAMP (limit_us / 2000, 1, G_MAXUINT), agent_on_watchdog, self);
}

static gboolean
agent_serve (Agent *self, GError **error)
{
  if (!agent_peers_watch (self->client, error) || !agent_start_collectors (self, error))
    return FALSE;
  agent_start_watchdog (self);
  agent_report_ready (self);
  agent_wait_for_stop (self);
  agent_notify_stopping ();
  return TRUE;
}

/* The sources exist until the end of the process, so that no signal ends it while its socket exists. */
static void
agent_handle_signals (Agent *self)
{
  self->stop = platform_stop_add (agent_on_stop, self);
  self->reload = platform_reload_add (agent_on_reload, self);
}

static gboolean
agent_run (Agent *self, GError **error)
{
  if (!self->demo)
    agent_handle_signals (self);
  if (!agent_prepare_demo (self, error) || !agent_start_broker (self, error) || !agent_join_bus (self, error))
    return FALSE;
  if (!self->demo)
    return agent_serve (self, error);
  self->status = job_run (&self->module, self->module_path, self->client, self->json, self->keep);
  return TRUE;
}

static void
agent_leave_bus (Agent *self)
{
  g_autoptr (GError) error = NULL;

  if (self->client == NULL)
    return;
  if (!deye_bus_client_close (self->client, NULL, &error))
    g_printerr ("daemoneye-agent: %s\n", error->message);
  g_clear_object (&self->client);
}

static void
agent_clear (Agent *self)
{
  agent_collectors_free (self->children);
  agent_leave_bus (self);
  agent_module_stop (&self->module);
  job_place_remove (&self->demo_place);
  g_clear_handle_id (&self->watchdog, g_source_remove);
  g_clear_handle_id (&self->reload, g_source_remove);
  g_clear_handle_id (&self->stop, g_source_remove);
  g_free (self->address);
  g_free (self->config);
  g_free (self->module_path);
  g_free (self->demo_worker);
  g_strfreev (self->collectors);
}

int
main (int argc, char **argv)
{
  Agent self = { .ready_fd = -1 };
  g_autoptr (GError) error = NULL;

  platform_console_fill_streams ();
  deye_bus_locale_init ();
  platform_log_start ();
  if (!agent_parse_options (&self, &argc, &argv, &error))
    self.status = 2;
  else if (self.version)
    g_print ("daemoneye-agent %s\n", PACKAGE_VERSION);
  else if (self.demo_child)
    agent_run_demo_child (&self);
  else if (self.demo_subscriber > 0)
    self.status = job_subscriber_run (self.address, (guint64) self.demo_subscriber, &error) ? 0 : 1;
  else if (self.demo_worker != NULL)
    self.status = job_worker_run (self.address, self.demo_worker, &error) ? 0 : 1;
  else if (!agent_run (&self, &error))
    self.status = 1;
  if (error != NULL)
    g_printerr ("daemoneye-agent: %s\n", error->message);
  agent_clear (&self);
  platform_log_end ();
  return self.status;
}
