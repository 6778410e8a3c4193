/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-locale.h"
#include "platform-log.h"
#include "platform-process.h"
#include "platform-ready.h"
#include "platform-stop.h"
#include "proc-identity.h"
#include "proc-source.h"
#include "procmond-events.h"
#include "procmond-service.h"
#include "procmond-task.h"

#include <glib/gi18n.h>

/*
 * procmond, the collector of processes: it reports on the bus which processes this machine has, and which ones start and
 * exit.
 *
 * It answers tasks (procmond-task) and calls (procmond-service), polls the processes, and publishes changes to
 * events.process.lifecycle (proc-watch). With --shard I/N it publishes events only for pids of its shard, so that several
 * procmonds together publish each event once. It keeps no state on disk.
 */

#define INTERVAL_MIN_MS 10
#define INTERVAL_MAX_MS 3600000

typedef struct
{
  char *id;
  char *type;
  char *address;
  char *shard_text;
  gint interval_ms;
  gint heartbeat_ms;
  gint ready_fd;
  gboolean version;
  guint shard;
  guint shards;

  GMainLoop *loop;
  DeyeBusClient *client;
  DeyeBusService *service;
  ProcWatch watch;
  ProcmondEvents *events;
  ProcmondHealth health;
  guint poll; /* source; 0: none */
  int status;
} Procmond;

static ProcTable *
procmond_read_table (Procmond *self)
{
  ProcRange range = { .shard = self->shard, .shards = self->shards, .last = self->watch.last };
  ProcTable *table = proc_table_read (&range);

  self->health.unlisted = table == NULL;
  self->health.partial = table != NULL && table->partial;
  self->health.unreadable = table != NULL ? table->unreadable : 0;
  procmond_health_update (&self->health);
  return table;
}

static gboolean
procmond_on_poll (gpointer data)
{
  Procmond *self = data;
  g_autoptr (GArray) events = proc_watch_look (&self->watch, procmond_read_table (self));

  for (guint i = 0; i < events->len; i++)
    procmond_events_publish (self->events, &g_array_index (events, ProcEvent, i), (gint64) self->interval_ms * 1000);
  return G_SOURCE_CONTINUE;
}

/* A peer sets the property interval-ms. */
static gboolean
procmond_on_interval (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  Procmond *self = data;
  guint64 interval_ms = g_value_get_uint64 (value);

  if (interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS)
    return TRUE; /* refused */
  self->interval_ms = (gint) interval_ms;
  if (self->poll != 0)
    g_source_remove (self->poll);
  self->poll = g_timeout_add ((guint) self->interval_ms, procmond_on_poll, self);
  return FALSE;
}

static gboolean
procmond_on_stop (gpointer data)
{
  g_main_loop_quit (((Procmond *) data)->loop);
  return G_SOURCE_CONTINUE;
}

static void
procmond_on_closed (DeyeBusClient *client, const GError *why, gpointer data)
{
  Procmond *self = data;

  g_printerr (_ ("%s: the connection to the bus ended: %s\n"), self->id,
              why != NULL ? why->message : _ ("no reason given"));
  self->status = 1;
  g_main_loop_quit (self->loop);
}

static gboolean
procmond_on_reload (DeyeBusClient *client, guint64 generation, gpointer data)
{
  g_info ("configuration %" G_GUINT64_FORMAT " acknowledged", generation);
  return TRUE;
}

/* The text has the form "I/N". */
static gboolean
procmond_parse_shard (Procmond *self, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (self->shard_text, "/", 3);
  guint64 shard, shards;

  if (g_strv_length (parts) == 2 && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT16, &shard, NULL)
      && g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT16, &shards, NULL) && shard < shards)
    {
      self->shard = (guint) shard;
      self->shards = (guint) shards;
      return TRUE;
    }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("--shard must be I/N with I below N, such as 0/2, not %s"), self->shard_text);
  return FALSE;
}

static gboolean
procmond_parse_options (Procmond *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &self->id, N_ ("Name on the bus (default: procmond-1)"), N_ ("ID") },
    { "type", 0, 0, G_OPTION_ARG_STRING, &self->type, N_ ("Kind of collector (default: procmond)"), N_ ("TYPE") },
    { "address", 0, 0, G_OPTION_ARG_FILENAME, &self->address, N_ ("Socket of the bus"), N_ ("PATH") },
    { "shard", 0, 0, G_OPTION_ARG_STRING, &self->shard_text, N_ ("Publish events for pids with PID modulo N = I"),
      "I/N" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &self->interval_ms, N_ ("Time between polls (default: 500)"), N_ ("MS") },
    { "heartbeat", 0, 0, G_OPTION_ARG_INT, &self->heartbeat_ms, N_ ("Time between heartbeats (default: 30000)"),
      N_ ("MS") },
    { "ready-fd", 0, 0, G_OPTION_ARG_INT, &self->ready_fd, N_ ("Write a line to FD when everything works"), N_ ("FD") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &self->version, N_ ("Show the version"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, _ ("Reports the processes of this machine on the event bus."));
  g_option_context_set_description (
      context, _ ("Processes are polled: one that lives shorter than the time between two polls may be missed."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  self->id = self->id != NULL ? self->id : g_strdup ("procmond-1");
  self->type = self->type != NULL ? self->type : g_strdup ("procmond");
  if (self->interval_ms < INTERVAL_MIN_MS || self->interval_ms > INTERVAL_MAX_MS)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--interval must be 10 ms to an hour"));
      return FALSE;
    }
  return self->shard_text == NULL || procmond_parse_shard (self, error);
}

static void
procmond_report_ready (Procmond *self)
{
  g_autofree char *line = NULL;

  g_info ("%s: polling every %d ms; a process that exits before the next poll may be missed", self->id,
          self->interval_ms);
  line = g_strconcat ("ready ", self->id, NULL);
  platform_ready_report (self->ready_fd, line);
}

static void
procmond_take_baseline (Procmond *self)
{
  guint64 own_start = 0;

  proc_identity_start_time ((guint32) platform_process_id (), &own_start);
  proc_watch_init (&self->watch, own_start);
  g_array_unref (proc_watch_look (&self->watch, procmond_read_table (self)));
}

static gboolean
procmond_join_bus (Procmond *self, GError **error)
{
  g_autoptr (DeyeBusSubscription) tasks = NULL;

  self->client = deye_bus_client_new (self->address, self->id, self->type);
  self->service = procmond_service_new ((guint64) self->interval_ms, self->shard, self->shards);
  g_signal_connect (self->service, "refuse-property", G_CALLBACK (procmond_on_interval), self);
  if (!deye_bus_client_add_service (self->client, self->service, error))
    return FALSE;
  if (!deye_bus_client_connect (self->client, NULL, error))
    return FALSE;
  g_signal_connect (self->client, "closed", G_CALLBACK (procmond_on_closed), self);
  if (!deye_bus_client_serve_standard (self->client, procmond_on_reload, self, NULL, NULL, error))
    return FALSE;
  tasks = procmond_task_serve (self->client, error);
  if (tasks == NULL)
    return FALSE;
  self->health.client = self->client;
  self->events = procmond_events_new (self->client, &self->health);
  /* Takes the baseline before the first heartbeat, which reports whether everything works. */
  procmond_take_baseline (self);
  return deye_bus_client_set_heartbeat (self->client, (gint64) self->heartbeat_ms * 1000, error);
}

static void
procmond_run (Procmond *self)
{
  guint stop;

  self->poll = g_timeout_add ((guint) self->interval_ms, procmond_on_poll, self);
  stop = platform_stop_add (procmond_on_stop, self);
  procmond_report_ready (self);
  g_main_loop_run (self->loop);
  g_clear_handle_id (&self->poll, g_source_remove);
  g_source_remove (stop);
}

/* Sends the last events, for at most a second. */
static void
procmond_leave_bus (Procmond *self)
{
  g_autoptr (GError) error = NULL;

  if (self->client == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->client, self);
  if (!deye_bus_client_close (self->client, NULL, &error))
    g_printerr ("procmond: %s\n", error->message);
  g_clear_pointer (&self->events, procmond_events_free);
  g_clear_object (&self->client);
}

static void
procmond_clear (Procmond *self)
{
  procmond_leave_bus (self);
  if (self->service != NULL)
    g_signal_handlers_disconnect_by_data (self->service, self);
  g_clear_object (&self->service);
  proc_watch_clear (&self->watch);
  g_main_loop_unref (self->loop);
  g_free (self->id);
  g_free (self->type);
  g_free (self->address);
  g_free (self->shard_text);
}

int
main (int argc, char **argv)
{
  Procmond self = { .interval_ms = 500, .heartbeat_ms = 30000, .ready_fd = -1, .shards = 1 };
  g_autoptr (GError) error = NULL;

  deye_bus_locale_init ();
  platform_log_start ();
  self.loop = g_main_loop_new (NULL, FALSE);
  if (!procmond_parse_options (&self, &argc, &argv, &error))
    self.status = 2;
  else if (self.version)
    g_print ("procmond %s\n", PACKAGE_VERSION);
  else if (!proc_source_init (&error))
    self.status = 1;
  else
    {
      if (procmond_join_bus (&self, &error))
        procmond_run (&self);
      else
        self.status = 1;
      proc_source_clear ();
    }
  if (error != NULL)
    g_printerr ("procmond: %s\n", error->message);
  procmond_clear (&self);
  platform_log_end ();
  return self.status;
}
