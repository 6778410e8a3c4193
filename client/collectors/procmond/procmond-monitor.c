/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-monitor.h"

#include "collector-events.h"
#include "collector-health.h"
#include "collector-timer.h"
#include "deye-bus-pack.h"
#include "platform-process.h"
#include "proc-feed.h"
#include "proc-identity.h"
#include "proc-pack.h"
#include "proc-report.h"
#include "procmond-service.h"

/* While the kernel reports: number of intervals between two tables, and the largest time. */
#define CHECK_INTERVALS 120u
#define CHECK_MAX_MS    60000u

/* Time between two repairs. Each reads all processes, and meanwhile more reports may be lost. */
#define REPAIR_APART_US G_TIME_SPAN_SECOND

struct ProcmondMonitor
{
  DeyeBusCollector *collector;
  CollectorEvents *events;
  ProcWatch watch;
  guint shard;
  guint shards;
  guint interval_ms;
  gboolean polls_only;
  gsize queue_bytes;   /* of the kernel's reports */
  ProcFeed *feed;      /* NULL: not started, or the kernel does not report */
  char *reason;        /* the reason why the kernel does not report; NULL: it reports, or no reports were requested */
  GSource *poll;       /* NULL: it has not started */
  GSource *repair;     /* reports were lost; NULL: none */
  gint64 repair_at_us; /* the next repair is not earlier */
  guint64 polls;
  guint64 found;    /* changes that tables have shown while the kernel reported */
  guint64 overruns; /* of the feed, at the last check */
};

static gboolean
monitor_has_reports (const ProcmondMonitor *self)
{
  return self->feed != NULL && proc_feed_is_open (self->feed);
}

/* The time between two tables. */
static guint
monitor_get_period_ms (const ProcmondMonitor *self)
{
  guint check_ms = (guint) MIN ((guint64) self->interval_ms * CHECK_INTERVALS, CHECK_MAX_MS);

  return monitor_has_reports (self) ? MAX (self->interval_ms, check_ms) : self->interval_ms;
}

static guint64
monitor_count_overruns (const ProcmondMonitor *self)
{
  return self->feed != NULL ? proc_feed_get_counts (self->feed)->overruns : 0;
}

/* --- health --- */

static void
monitor_report_watching (ProcmondMonitor *self)
{
  g_autoptr (GString) reasons = g_string_new (NULL);
  guint64 overruns = monitor_count_overruns (self);

  if (self->reason != NULL)
    collector_health_add (reasons, "a process that starts and ends between two polls (%u ms) is missed, because %s",
                          self->interval_ms, self->reason);
  if (overruns > self->overruns)
    collector_health_add (reasons,
                          "reports of the kernel were lost, %" G_GUINT64_FORMAT
                          " times so far; a process that started and ended meanwhile is missed",
                          overruns);
  collector_health_report (self->collector, "watching", reasons);
}

/* @table: NULL: the processes can't be listed. */
static void
monitor_report_reading (ProcmondMonitor *self, const ProcTable *table)
{
  g_autoptr (GString) reasons = g_string_new (NULL);

  if (table == NULL)
    collector_health_add (reasons, "the processes can't be listed");
  if (table != NULL && table->unreadable > 0)
    collector_health_add (reasons, "%u processes can't be read (rights, hidepid, or a mount over /proc)",
                          table->unreadable);
  if (table != NULL && table->partial)
    collector_health_add (reasons, "the system hides processes of other users (hidepid)");
  collector_health_report (self->collector, "reading", reasons);
}

/* --- events --- */

/* @period_ms: 0: the kernel has reported them. */
static void
monitor_publish (ProcmondMonitor *self, GArray *events, guint period_ms)
{
  for (guint i = 0; i < events->len; i++)
    {
      g_autoptr (GBytes) payload = proc_pack_event (&g_array_index (events, ProcEvent, i), g_get_real_time (),
                                                    (gint64) period_ms * 1000, collector_events_room (self->events));

      collector_events_publish (self->events, payload);
    }
}

/* --- tables --- */

static ProcTable *
monitor_read_table (ProcmondMonitor *self)
{
  ProcRange range = { .shard = self->shard, .shards = self->shards, .last = self->watch.last };
  ProcTable *table = proc_table_read (&range);

  self->polls++;
  monitor_report_reading (self, table);
  return table;
}

/* Handles the reports that have arrived first, because they contain more about the end of a process than a table. */
static void
monitor_compare_table (ProcmondMonitor *self)
{
  g_autoptr (GArray) events = NULL;

  if (monitor_has_reports (self))
    proc_feed_read (self->feed);
  events = proc_report_compare (&self->watch, monitor_read_table (self));
  if (monitor_has_reports (self))
    self->found += events->len;
  monitor_publish (self, events, monitor_get_period_ms (self));
}

static gboolean
monitor_on_poll (gpointer data)
{
  ProcmondMonitor *self = data;

  monitor_compare_table (self);
  monitor_report_watching (self);
  self->overruns = monitor_count_overruns (self);
  return G_SOURCE_CONTINUE;
}

static void
monitor_schedule (ProcmondMonitor *self)
{
  collector_timer_clear (&self->poll);
  self->poll = collector_timer_new (monitor_get_period_ms (self), monitor_on_poll, self);
}

static gboolean
monitor_on_repair (gpointer data)
{
  ProcmondMonitor *self = data;

  collector_timer_clear (&self->repair);
  self->repair_at_us = g_get_monotonic_time () + REPAIR_APART_US;
  monitor_compare_table (self);
  return G_SOURCE_REMOVE;
}

static void
monitor_schedule_repair (ProcmondMonitor *self)
{
  gint64 wait_us = MAX (self->repair_at_us - g_get_monotonic_time (), 0);

  self->repair = collector_timer_new ((guint) (wait_us / 1000), monitor_on_repair, self);
}

/* --- reports of the kernel --- */

/* The last table may be older than the first report, so another one is read. */
static void
monitor_on_open (gpointer data)
{
  ProcmondMonitor *self = data;

  monitor_schedule_repair (self);
  monitor_schedule (self);
  monitor_report_watching (self);
  g_info ("the kernel reports processes; they are also read every %u ms, as a check", monitor_get_period_ms (self));
}

static void
monitor_on_message (const ProcMessage *message, gpointer data)
{
  ProcmondMonitor *self = data;
  g_autoptr (GArray) events = NULL;

  if (message->process % self->shards != self->shard)
    return;
  events = proc_watch_new_events ();
  proc_report_apply (&self->watch, message, proc_identity_start_time_at (message->time_ns), events);
  monitor_publish (self, events, 0);
}

static void
monitor_on_pause (gpointer data)
{
  ProcmondMonitor *self = data;
  g_autoptr (GArray) events = proc_watch_new_events ();

  proc_report_settle (&self->watch, events);
  monitor_publish (self, events, 0);
}

static void
monitor_on_overrun (gpointer data)
{
  ProcmondMonitor *self = data;

  if (self->repair == NULL)
    {
      g_warning ("reports of the kernel were lost; a process that started and ended meanwhile is missed");
      monitor_schedule_repair (self);
    }
  monitor_report_watching (self);
}

/* (transfer full) */
static void
monitor_poll_because (ProcmondMonitor *self, char *reason)
{
  self->reason = reason;
  g_message ("polling every %u ms, because %s: a process that ends before the next poll may be missed",
             self->interval_ms, reason);
  monitor_schedule (self);
  monitor_report_watching (self);
}

static void
monitor_on_failed (const char *reason, gpointer data)
{
  monitor_poll_because (data, g_strdup (reason));
}

static const ProcFeedHandler monitor_handler
    = { monitor_on_open, monitor_on_message, monitor_on_pause, monitor_on_overrun, monitor_on_failed };

void
procmond_monitor_start (ProcmondMonitor *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->polls_only)
    self->feed = proc_feed_new (self->queue_bytes, &monitor_handler, self, &error);
  if (error != NULL)
    monitor_poll_because (self, g_strdup (error->message));
  else
    monitor_schedule (self);
}

/* --- the monitor --- */

gboolean
procmond_monitor_set_interval (ProcmondMonitor *self, guint64 interval_ms)
{
  if (interval_ms < PROCMOND_INTERVAL_MIN_MS || interval_ms > PROCMOND_INTERVAL_MAX_MS)
    return FALSE;
  self->interval_ms = (guint) interval_ms;
  if (self->poll != NULL)
    monitor_schedule (self);
  monitor_report_watching (self);
  return TRUE;
}

ProcmondMonitor *
procmond_monitor_new (DeyeBusCollector *collector, const ProcmondOptions *options)
{
  ProcmondMonitor *self = g_new0 (ProcmondMonitor, 1);
  guint64 own_start = 0;

  self->collector = collector;
  self->events = collector_events_new (collector, PROCMOND_LIFECYCLE_TOPIC, PROCMOND_EVENT_TYPE);
  self->shard = options->shard;
  self->shards = options->shards;
  self->interval_ms = (guint) options->interval_ms;
  self->polls_only = options->poll;
  self->queue_bytes = (gsize) options->queue_kib << 10;
  proc_identity_start_time ((guint32) platform_process_id (), &own_start);
  proc_watch_init (&self->watch, own_start);
  g_array_unref (proc_watch_compare (&self->watch, monitor_read_table (self)));
  return self;
}

void
procmond_monitor_free (ProcmondMonitor *self)
{
  if (self == NULL)
    return;
  collector_timer_clear (&self->poll);
  collector_timer_clear (&self->repair);
  proc_feed_free (self->feed);
  collector_events_free (self->events);
  proc_watch_clear (&self->watch);
  g_free (self->reason);
  g_free (self);
}

GBytes *
procmond_monitor_pack_statistics (const ProcmondMonitor *self)
{
  const ProcFeedCounts none = { 0 };
  const ProcFeedCounts *counts = self->feed != NULL ? proc_feed_get_counts (self->feed) : &none;
  Daemoneye__Eventbus__V1__ProcmondStatistics statistics = DAEMONEYE__EVENTBUS__V1__PROCMOND_STATISTICS__INIT;

  statistics.kernel_reports = monitor_has_reports (self);
  if (self->reason != NULL)
    statistics.reason = self->reason;
  statistics.poll_interval_us = (guint64) monitor_get_period_ms (self) * 1000;
  statistics.polls = self->polls;
  statistics.reports = counts->messages;
  statistics.overruns = counts->overruns;
  statistics.malformed = counts->malformed;
  statistics.found_by_polls = self->found;
  statistics.events_lost = collector_events_get_lost (self->events);
  return deye_bus_pack (&statistics.base);
}
