/* SPDX-License-Identifier: Apache-2.0 */
#include "netmond-monitor.h"

#include "collector-events.h"
#include "collector-health.h"
#include "collector-timer.h"
#include "net-pack.h"
#include "net-reading.h"
#include "net-watch.h"

#define STEP 64u /* parts of a list, or processes, in one iteration of the main loop; a few milliseconds */

#define UNIT_READING "reading"
#define UNIT_NOTICES "notices"

/* Excludes ended connections that the kernel only remembers, and connections that a peer has only requested. */
#define WATCHED_STATES (NET_ALL_STATES & ~(1u << NET_TIME_WAIT | 1u << NET_SYN_RECEIVED))

struct NetmondMonitor
{
  DeyeBusCollector *collector;
  CollectorEvents *events;
  NetFilter shard;
  guint limit;
  guint interval_ms;
  NetWatch *watch;
  NetNotices *notices; /* NULL: there are none */
  GArray *ended;       /* of NetSocket: the notices of the poll that runs */
  NetReading *reading; /* NULL: no poll runs */
  gint64 began_us;     /* when the last poll began */
  gint64 apart_us;     /* time between the last poll and the one before */
  guint unreadable;    /* number of unreadable processes in the last search for owners */
  guint processes;
  gboolean hidden;
  guint refused; /* protocols that the kernel did not list at the start */
  GSource *poll; /* NULL: it has not started */
  GSource *step; /* NULL: no poll runs */
};

/* --- health --- */

/* @failure: (nullable): the reason why the sockets can't be listed. */
static void
connections_report_reading (NetmondMonitor *self, const char *failure)
{
  const NetTable *last = net_watch_last (self->watch);
  g_autoptr (GString) reasons = g_string_new (NULL);

  if (failure != NULL)
    collector_health_add (reasons, "%s", failure);
  if (self->refused != 0)
    collector_health_add (reasons, "the kernel does not list the sockets of %s",
                          (self->refused & 1u << NET_TCP) != 0 ? "TCP" : "UDP");
  if (last != NULL && last->beyond > 0)
    collector_health_add (reasons, "%u sockets are not watched: more than %u at once (see --max-sockets)", last->beyond,
                          self->limit);
  if (self->unreadable > 0)
    collector_health_add (reasons, "the owners of some sockets are unknown: %u of %u processes can't be read (rights)",
                          self->unreadable, self->processes);
  if (self->hidden)
    collector_health_add (reasons, "the system hides processes of other users (hidepid)");
  collector_health_report (self->collector, UNIT_READING, reasons);
}

/* @problem: (nullable): the reason why ended sockets may be missed. */
static void
connections_report_notices (NetmondMonitor *self, const char *problem)
{
  g_autoptr (GString) reasons = g_string_new (NULL);

  if (problem != NULL)
    collector_health_add (reasons, "%s: a socket that ends within %u ms may be missed", problem, self->interval_ms);
  collector_health_report (self->collector, UNIT_NOTICES, reasons);
}

/* --- one poll --- */

/* TRUE: the socket is a listener or a connection of this shard. */
static gboolean
connections_wants (const NetSocket *socket, gconstpointer data)
{
  const NetmondMonitor *self = data;

  return net_watch_concerns (socket) && net_filter_matches (&self->shard, socket);
}

static gboolean
connections_begin (NetmondMonitor *self)
{
  g_autoptr (GError) error = NULL;
  const NetRange range = { .protocols = 1u << NET_TCP | 1u << NET_UDP,
                           .states = WATCHED_STATES,
                           .limit = self->limit,
                           .before = net_watch_last (self->watch),
                           .wants = connections_wants,
                           .data = self };
  gint64 now = g_get_monotonic_time ();

  self->reading = net_reading_new (&range, &error);
  if (self->reading == NULL)
    {
      connections_report_reading (self, error->message);
      return FALSE;
    }
  self->apart_us = now - self->began_us;
  self->began_us = now;
  return TRUE;
}

/* Takes the notices that have arrived since the last poll. The health is degraded if some were lost, because the kernel had no
 * room for them or there are more than the limit. */
static void
connections_take_notices (NetmondMonitor *self)
{
  g_autoptr (GError) error = NULL;
  gboolean lost = FALSE;

  g_array_set_size (self->ended, 0);
  if (self->notices == NULL)
    return;
  if (!net_notices_take (self->notices, self->ended, self->limit, &lost, &error))
    {
      connections_report_notices (self, error->message);
      g_clear_pointer (&self->notices, net_notices_close);
    }
  else
    connections_report_notices (self, lost ? "the kernel had no room for all notices of sockets that end" : NULL);
}

static void
connections_publish (NetmondMonitor *self, const NetEvent *event)
{
  gint64 apart_us = MAX (self->apart_us, (gint64) self->interval_ms * 1000);
  g_autoptr (GBytes) payload = net_pack_event (event, g_get_real_time (), apart_us);

  if (net_filter_matches (&self->shard, &event->socket))
    collector_events_publish (self->events, payload);
}

static void
connections_compare (NetmondMonitor *self, NetTable *table)
{
  g_autoptr (GArray) events = NULL;

  if (table->processes > 0)
    {
      self->processes = table->processes;
      self->unreadable = table->unreadable;
      self->hidden = table->hidden;
    }
  connections_take_notices (self);
  events = net_watch_compare (self->watch, table, self->ended);
  for (guint i = 0; i < events->len; i++)
    connections_publish (self, &g_array_index (events, NetEvent, i));
  connections_report_reading (self, NULL);
}

/* Compares a complete table with the previous one. If the kernel refuses to list a protocol that it listed at the start, the table
 * is dropped: its sockets may still exist, so the monitor must not report that they vanished. */
static void
connections_end (NetmondMonitor *self)
{
  g_autoptr (GError) error = NULL;
  NetTable *table = net_reading_end (self->reading, &error);

  g_clear_pointer (&self->reading, net_reading_free);
  if (table != NULL && net_watch_last (self->watch) == NULL)
    self->refused = table->refused;
  if (table != NULL && (table->refused & ~self->refused) == 0)
    connections_compare (self, table);
  else
    {
      connections_report_reading (
          self, error != NULL ? error->message : "the kernel refuses to list some sockets that it listed before");
      g_clear_pointer (&table, net_table_free);
    }
}

static gboolean
connections_on_step (gpointer data)
{
  NetmondMonitor *self = data;
  guint done, total;

  if (net_reading_step (self->reading, STEP, &done, &total))
    return G_SOURCE_CONTINUE;
  collector_timer_clear (&self->step);
  connections_end (self);
  return G_SOURCE_REMOVE;
}

static gboolean
connections_on_poll (gpointer data)
{
  NetmondMonitor *self = data;

  if (self->reading == NULL && connections_begin (self))
    self->step = collector_timer_new (0, connections_on_step, self);
  return G_SOURCE_CONTINUE;
}

/* --- the monitor --- */

void
netmond_monitor_start (NetmondMonitor *self)
{
  collector_timer_clear (&self->poll);
  self->poll = collector_timer_new (self->interval_ms, connections_on_poll, self);
}

gboolean
netmond_monitor_set_interval (NetmondMonitor *self, guint64 interval_ms)
{
  if (interval_ms < NETMOND_INTERVAL_MIN_MS || interval_ms > NETMOND_INTERVAL_MAX_MS)
    return FALSE;
  self->interval_ms = (guint) interval_ms;
  if (self->poll != NULL)
    netmond_monitor_start (self);
  return TRUE;
}

/* Opens the notices before the baseline is read, so that no end is missed between the two. */
static void
connections_open_notices (NetmondMonitor *self)
{
  g_autoptr (GError) error = NULL;

  self->notices = net_notices_open (&error);
  if (self->notices == NULL)
    connections_report_notices (self, error->message);
}

static void
connections_take_baseline (NetmondMonitor *self)
{
  guint done, total;

  if (!connections_begin (self))
    return;
  while (net_reading_step (self->reading, STEP, &done, &total))
    ;
  connections_end (self);
}

NetmondMonitor *
netmond_monitor_new (DeyeBusCollector *collector, const NetmondOptions *options)
{
  NetmondMonitor *self = g_new0 (NetmondMonitor, 1);

  self->collector = collector;
  self->events = collector_events_new (collector, NETMOND_CONNECTIONS_TOPIC, NETMOND_EVENT_TYPE);
  self->shard = (NetFilter){ .shard = options->shard, .shards = options->shards };
  self->limit = (guint) options->max_sockets;
  self->interval_ms = (guint) options->interval_ms;
  self->watch = net_watch_new (self->limit);
  self->ended = g_array_new (FALSE, FALSE, sizeof (NetSocket));
  if (!options->without_notices)
    connections_open_notices (self);
  connections_take_baseline (self);
  return self;
}

void
netmond_monitor_free (NetmondMonitor *self)
{
  if (self == NULL)
    return;
  collector_timer_clear (&self->poll);
  collector_timer_clear (&self->step);
  g_clear_pointer (&self->reading, net_reading_free);
  collector_events_free (self->events);
  net_watch_free (self->watch);
  g_clear_pointer (&self->notices, net_notices_close);
  g_array_unref (self->ended);
  g_free (self);
}
