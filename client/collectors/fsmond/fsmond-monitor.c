/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-monitor.h"

#include "collector-health.h"
#include "filesystem.pb-c.h"
#include "fs-path.h"
#include "fs-watch.h"
#include "fsmond-pack.h"
#include "wire-guard.h"

struct FsmondMonitor
{
  DeyeBusCollector *collector;
  CollectorEvents *events;
  FsWatch *watch;
  GPtrArray *roots;      /* of FsRoot: all that are configured */
  GPtrArray *configured; /* of FsRoot: those of the command line */
  gboolean is_degraded;
};

/* --- events and health --- */

static gboolean
monitor_on_event (const FsEvent *event, gpointer data)
{
  FsmondMonitor *self = data;
  g_autoptr (GBytes) payload = fsmond_pack_event (event, g_get_real_time ());

  return collector_events_offer (self->events, payload);
}

static void
monitor_add_failures (GString *reasons, const FsCoverage *coverage)
{
  const FsFailure *first = coverage->failures->len > 0 ? g_ptr_array_index (coverage->failures, 0) : NULL;
  g_autofree char *path = first != NULL ? fs_path_escape (first->path) : NULL;

  if (first != NULL)
    collector_health_add (reasons, "%u of %u directories are watched; %s: %s", coverage->watched, coverage->wanted,
                          path, first->reason);
  if (coverage->unknown_entries > 0)
    collector_health_add (
        reasons, "%" G_GUINT64_FORMAT " files are beyond the limit max-entries: a scan can't find their changes",
        coverage->unknown_entries);
  if (coverage->detection_fault != NULL)
    collector_health_add (reasons, "lost notices can't be detected: %s", coverage->detection_fault);
}

static void
monitor_add_losses (GString *reasons, const FsCoverage *coverage)
{
  if (coverage->is_repairing)
    collector_health_add (
        reasons,
        "changes were missed, and a scan searches for them: the kernel's queue overflowed %" G_GUINT64_FORMAT
        " times, %" G_GUINT64_FORMAT " events did not fit into the queue of fsmond, so far",
        coverage->overflows, coverage->unpublished);
}

static void
monitor_log (FsmondMonitor *self, const GString *reasons)
{
  if (reasons->len > 0 && !self->is_degraded)
    g_message ("%s", reasons->str);
  else if (reasons->len == 0 && self->is_degraded)
    g_message ("all directories are watched");
  self->is_degraded = reasons->len > 0;
}

static void
monitor_on_changed (gpointer data)
{
  FsmondMonitor *self = data;
  g_autoptr (GString) watching = g_string_new (NULL);
  g_autoptr (GString) repairing = g_string_new (NULL);
  FsCoverage coverage;

  fs_watch_get_coverage (self->watch, &coverage);
  monitor_add_failures (watching, &coverage);
  monitor_add_losses (repairing, &coverage);
  fs_coverage_clear (&coverage);
  monitor_log (self, watching);
  collector_health_report (self->collector, FSMOND_UNIT_WATCHING, watching);
  collector_health_report (self->collector, FSMOND_UNIT_REPAIRING, repairing);
}

/* --- directories --- */

static void
monitor_copy_roots (GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    {
      const FsRoot *root = g_ptr_array_index (from, i);

      g_ptr_array_add (to, fs_root_new (root->path, root->flat));
    }
}

/* Takes @roots. */
static void
monitor_set_roots (FsmondMonitor *self, GPtrArray *roots)
{
  monitor_copy_roots (roots, self->configured);
  g_clear_pointer (&self->roots, g_ptr_array_unref);
  self->roots = roots;
  fs_watch_set_roots (self->watch, roots);
}

/* Returns the reason for which the task is not valid; NULL: its directory was added to @roots. */
static const char *
monitor_read_task (DeyeBusStandingTask *task, GPtrArray *roots)
{
  gsize len;
  gconstpointer payload = g_bytes_get_data (deye_bus_standing_task_get_payload (task), &len);
  g_autoptr (WireGuard) guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__watch_directory__descriptor,
                                                           wire_span (payload, len), 0, NULL);
  const Daemoneye__Eventbus__V1__WatchDirectory *wanted = guard != NULL ? wire_guard_message (guard) : NULL;
  g_autofree char *path = NULL;
  FsPathFault fault;

  if (!g_str_equal (deye_bus_standing_task_get_operation (task), FSMOND_WATCH_OPERATION))
    return "fsmond has no such standing operation; use " FSMOND_WATCH_OPERATION;
  if (wanted == NULL)
    return "the payload is not a " FSMOND_TYPE ("WatchDirectory");
  fault = fs_path_parse (wanted->path, &path);
  if (fault != FS_PATH_GOOD)
    return fs_path_fault_text (fault);
  g_ptr_array_add (roots, fs_root_new (path, wanted->flat));
  return NULL;
}

/* Applies all tasks, or none and returns the reason. */
static char *
monitor_on_standing (DeyeBusCollector *collector, guint64 revision, GPtrArray *tasks, gpointer data)
{
  FsmondMonitor *self = data;
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func ((GDestroyNotify) fs_root_free);

  for (guint i = 0; i < tasks->len; i++)
    {
      DeyeBusStandingTask *task = g_ptr_array_index (tasks, i);
      const char *reason = monitor_read_task (task, roots);

      if (reason != NULL)
        return g_strdup_printf ("%s: %s", deye_bus_standing_task_get_id (task), reason);
    }
  monitor_set_roots (self, g_steal_pointer (&roots));
  g_info ("standing tasks %" G_GUINT64_FORMAT ": %u directories", revision, tasks->len);
  return NULL;
}

void
fsmond_monitor_set_max_directories (FsmondMonitor *self, guint max_directories)
{
  fs_watch_set_max_directories (self->watch, max_directories);
}

gboolean
fsmond_monitor_covers (const FsmondMonitor *self, const char *path)
{
  for (guint i = 0; i < self->roots->len; i++)
    if (fs_path_is_below (path, ((const FsRoot *) g_ptr_array_index (self->roots, i))->path))
      return TRUE;
  return FALSE;
}

GBytes *
fsmond_monitor_pack_coverage (const FsmondMonitor *self)
{
  FsCoverage coverage;
  GBytes *packed;

  fs_watch_get_coverage (self->watch, &coverage);
  packed = fsmond_pack_coverage (&coverage, self->roots);
  fs_coverage_clear (&coverage);
  return packed;
}

/* --- life --- */

FsmondMonitor *
fsmond_monitor_new (DeyeBusCollector *collector, const FsmondOptions *options, GError **error)
{
  g_autoptr (FsmondMonitor) self = g_new0 (FsmondMonitor, 1);
  const FsWatchSettings settings = { .max_directories = (guint) options->max_directories,
                                     .max_entries = (guint64) options->max_entries,
                                     .check_ms = (guint) options->check_ms,
                                     .fold_ms = (guint) options->fold_ms };
  const FsWatchReceiver receiver = { monitor_on_event, monitor_on_changed, self };

  self->collector = collector;
  self->configured = fsmond_options_roots (options);
  self->events = collector_events_new (collector, FSMOND_EVENTS_TOPIC, FSMOND_TYPE ("FileEvent"));
  self->watch = fs_watch_new (&settings, &receiver);
  monitor_set_roots (self, g_ptr_array_new_with_free_func ((GDestroyNotify) fs_root_free));
  if (!deye_bus_collector_set_standing_handler (collector, monitor_on_standing, self, NULL, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
fsmond_monitor_free (FsmondMonitor *self)
{
  if (self == NULL)
    return;
  fs_watch_free (self->watch);
  collector_events_free (self->events);
  g_ptr_array_unref (self->roots);
  g_ptr_array_unref (self->configured);
  g_free (self);
}
