/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-monitor.h"

#include "collector-events.h"
#include "collector-health.h"
#include "collector-timer.h"
#include "platform-process.h"
#include "proc-identity.h"
#include "proc-pack.h"
#include "procmond-service.h"

struct ProcmondMonitor
{
  DeyeBusCollector *collector;
  CollectorEvents *events;
  ProcWatch watch;
  guint shard;
  guint shards;
  guint interval_ms;
  GSource *poll; /* NULL: it has not started */
};

/* --- reading --- */

/* @table: NULL: the processes can't be listed. */
static void
monitor_report_health (ProcmondMonitor *self, const ProcTable *table)
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

static ProcTable *
monitor_read_table (ProcmondMonitor *self)
{
  ProcRange range = { .shard = self->shard, .shards = self->shards, .last = self->watch.last };
  ProcTable *table = proc_table_read (&range);

  monitor_report_health (self, table);
  return table;
}

/* --- polling --- */

static void
monitor_publish (ProcmondMonitor *self, const ProcEvent *event)
{
  g_autoptr (GBytes) payload = proc_pack_event (event, g_get_real_time (), (gint64) self->interval_ms * 1000,
                                                collector_events_room (self->events));

  collector_events_publish (self->events, payload);
}

static gboolean
monitor_on_poll (gpointer data)
{
  ProcmondMonitor *self = data;
  g_autoptr (GArray) events = proc_watch_look (&self->watch, monitor_read_table (self));

  for (guint i = 0; i < events->len; i++)
    monitor_publish (self, &g_array_index (events, ProcEvent, i));
  return G_SOURCE_CONTINUE;
}

void
procmond_monitor_start (ProcmondMonitor *self)
{
  collector_timer_clear (&self->poll);
  self->poll = collector_timer_new (self->interval_ms, monitor_on_poll, self);
}

gboolean
procmond_monitor_set_interval (ProcmondMonitor *self, guint64 interval_ms)
{
  if (interval_ms < PROCMOND_INTERVAL_MIN_MS || interval_ms > PROCMOND_INTERVAL_MAX_MS)
    return FALSE;
  self->interval_ms = (guint) interval_ms;
  if (self->poll != NULL)
    procmond_monitor_start (self);
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
  proc_identity_start_time ((guint32) platform_process_id (), &own_start);
  proc_watch_init (&self->watch, own_start);
  g_array_unref (proc_watch_look (&self->watch, monitor_read_table (self)));
  return self;
}

void
procmond_monitor_free (ProcmondMonitor *self)
{
  if (self == NULL)
    return;
  collector_timer_clear (&self->poll);
  collector_events_free (self->events);
  proc_watch_clear (&self->watch);
  g_free (self);
}
