/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-program.h"
#include "collector-service.h"
#include "filesystem.pb-c.h"
#include "fsmond-process.h"
#include "fsmond-service.h"
#include "wire-guard.h"

#include <glib/gi18n.h>

/*
 * fsmond, the collector of file changes: it reports on the bus the changes of files in the directories that it watches.
 *
 * The directories are those of the command line and of standing tasks (fsmond-monitor). It executes tasks that request the digest
 * of a file (fsmond-hash) or the open files of a process (fsmond-process). It stores no state on disk, so it does not
 * detect changes that were made while it did not run.
 *
 * The life of the program on the bus is in collector-program and collector-bus.
 */

/* Tasks that need no thread run in addition to the hashes. */
#define OTHER_WORKS 4u

typedef struct
{
  FsmondOptions options;
  FsmondHashRules rules;
  DeyeBusService *service;
  FsmondMonitor *monitor;
  FsmondHashes *hashes;
  CollectorTasks *descriptions;
  CollectorTasks *open_paths;
} Fsmond;

static gboolean
fsmond_allows (const char *path, gpointer data)
{
  const Fsmond *self = data;

  return self->options.hash_anywhere || fsmond_monitor_covers (self->monitor, path);
}

/* --- configuration --- */

static gboolean
fsmond_configure (Fsmond *self, GBytes *payload)
{
  gsize len;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__fsmond_configuration__descriptor, wire_span (bytes, len), 0, NULL);
  const Daemoneye__Eventbus__V1__FsmondConfiguration *wanted = guard != NULL ? wire_guard_message (guard) : NULL;

  if (wanted == NULL || wanted->max_directories > FSMOND_DIRECTORIES_MAX)
    return FALSE;
  if (wanted->max_directories > 0)
    {
      fsmond_monitor_set_max_directories (self->monitor, wanted->max_directories);
      collector_service_change_number (self->service, "max-directories", wanted->max_directories);
    }
  if (wanted->max_hash_bytes > 0)
    {
      self->rules.max_bytes = wanted->max_hash_bytes;
      collector_service_change_number (self->service, "max-hash-bytes", wanted->max_hash_bytes);
    }
  return TRUE;
}

/* There is nothing to reload: the configuration of fsmond is from the command line and the agent. */
static gboolean
fsmond_on_configuration (DeyeBusCollector *collector,
                         guint64 generation,
                         GBytes *payload,
                         const char *payload_type,
                         gpointer data)
{
  if (payload != NULL)
    return g_strcmp0 (payload_type, FSMOND_CONFIGURATION_TYPE) == 0 && fsmond_configure (data, payload);
  g_info ("configuration %" G_GUINT64_FORMAT " acknowledged", generation);
  return TRUE;
}

/* --- the program --- */

static gboolean
fsmond_add_operations (Fsmond *self, CollectorBus *bus, GError **error)
{
  self->rules
      = (FsmondHashRules){ .allows = fsmond_allows, .data = self, .max_bytes = (guint64) self->options.max_hash_bytes };
  self->hashes = fsmond_hashes_new (bus->collector, &self->rules, (guint) self->options.max_hashes, error);
  if (self->hashes == NULL)
    return FALSE;
  self->descriptions = collector_tasks_new (&fsmond_describe_question, bus->collector, 1, 0, NULL, error);
  if (self->descriptions == NULL)
    return FALSE;
  self->open_paths = collector_tasks_new (&fsmond_open_paths_question, bus->collector, 1, 0, NULL, error);
  return self->open_paths != NULL;
}

static gboolean
fsmond_start (CollectorBus *bus, gpointer data, GError **error)
{
  Fsmond *self = data;

  g_object_set (bus->collector, "max-concurrent", (guint) self->options.max_hashes + OTHER_WORKS, NULL);
  self->monitor = fsmond_monitor_new (bus->collector, &self->options, error);
  if (self->monitor == NULL)
    return FALSE;
  self->service = fsmond_service_new (&self->options, bus->options->id, self->monitor);
  return fsmond_add_operations (self, bus, error) && deye_bus_client_add_service (bus->client, self->service, error)
         && deye_bus_collector_set_configuration_handler (bus->collector, fsmond_on_configuration, self, NULL, error);
}

static void
fsmond_clear (gpointer data)
{
  Fsmond *self = data;

  g_clear_pointer (&self->open_paths, collector_tasks_free);
  g_clear_pointer (&self->descriptions, collector_tasks_free);
  g_clear_pointer (&self->hashes, fsmond_hashes_free);
  g_clear_object (&self->service);
  g_clear_pointer (&self->monitor, fsmond_monitor_free);
}

static void
fsmond_on_options (GOptionContext *context, gpointer data)
{
  fsmond_options_add (&((Fsmond *) data)->options, context);
}

static gboolean
fsmond_check_options (gpointer data, GError **error)
{
  return fsmond_options_check (&((Fsmond *) data)->options, error);
}

static const CollectorProgram fsmond_program = {
  .name = "fsmond",
  .summary = N_ ("Reports changes of files in watched directories on the event bus."),
  .description = N_ ("fsmond does not know which process changed a file. Symbolic links are not followed; in "
                     "directories of network file systems only changes by this machine are reported."),
  .add_options = fsmond_on_options,
  .check_options = fsmond_check_options,
  .start = fsmond_start,
  .clear = fsmond_clear,
};

int
main (int argc, char **argv)
{
  Fsmond self = { .options = FSMOND_OPTIONS_DEFAULTS };
  int status = collector_program_main (&fsmond_program, &self, argc, argv);

  fsmond_options_clear (&self.options);
  return status;
}
