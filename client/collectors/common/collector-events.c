/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-events.h"

#include "collector-health.h"
#include "collector-timer.h"
#include "deye-bus-spare.h"

/* Time between attempts to send waiting events. A timer is needed, because the client does not report that credit was returned. */
#define RETRY_MS 100

struct CollectorEvents
{
  DeyeBusCollector *collector;
  const char *topic;
  const char *type;
  GQueue waiting; /* of EventsWaiting */
  gsize waiting_bytes;
  guint64 sequence;
  guint64 lost;
  gboolean losing;
  GSource *retry; /* NULL: none */
};

typedef struct
{
  GBytes *payload;
  guint64 sequence;
} EventsWaiting;

CollectorEvents *
collector_events_new (DeyeBusCollector *collector, const char *topic, const char *type)
{
  CollectorEvents *self = g_new0 (CollectorEvents, 1);

  self->collector = collector;
  self->topic = topic;
  self->type = type;
  g_queue_init (&self->waiting);
  return self;
}

static void
events_free_waiting (gpointer data)
{
  EventsWaiting *waiting = data;

  g_bytes_unref (waiting->payload);
  g_free (waiting);
}

void
collector_events_free (CollectorEvents *self)
{
  if (self == NULL)
    return;
  if (self->waiting.length > 0)
    g_warning ("%u events on %s were not published: there was no connection, or no credit", self->waiting.length,
               self->topic);
  collector_timer_clear (&self->retry);
  g_queue_clear_full (&self->waiting, events_free_waiting);
  g_free (self);
}

gsize
collector_events_room (CollectorEvents *self)
{
  return (gsize) MIN (deye_bus_client_get_largest_payload (deye_bus_collector_get_client (self->collector)), G_MAXSIZE);
}

guint64
collector_events_get_lost (const CollectorEvents *self)
{
  return self->lost;
}

/* Reports the health again with each lost event, because the numbers in the reason change. */
static void
events_report (CollectorEvents *self)
{
  g_autoptr (GString) reasons = g_string_new (NULL);

  if (self->losing)
    collector_health_add (
        reasons,
        "a subscriber of %s with the policy block handles no messages: %u events wait, %" G_GUINT64_FORMAT
        " were not published so far",
        self->topic, self->waiting.length, self->lost);
  collector_health_report (self->collector, COLLECTOR_UNIT_EVENTS, reasons);
}

static void
events_lose (CollectorEvents *self)
{
  self->lost++;
  if (!self->losing)
    g_warning (
        "events on %s are lost from now on: %u wait for a subscriber with the policy block that handles no messages",
        self->topic, self->waiting.length);
  self->losing = TRUE;
  events_report (self);
}

static void
events_recover (CollectorEvents *self)
{
  self->losing = FALSE;
  g_message ("events on %s are published again; %" G_GUINT64_FORMAT " were lost so far", self->topic, self->lost);
  events_report (self);
}

/* A failure means that the connection has ended; the client reports that separately. */
static void
events_send (CollectorEvents *self, const EventsWaiting *waiting)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_type_name (options, self->type);
  deye_bus_options_set_sequence_number (options, waiting->sequence);
  deye_bus_client_publish_async (deye_bus_collector_get_client (self->collector), self->topic, waiting->payload,
                                 options, FALSE, NULL, NULL, NULL);
}

static void
events_send_waiting (CollectorEvents *self)
{
  DeyeBusClient *client = deye_bus_collector_get_client (self->collector);

  while (self->waiting.length > 0 && deye_bus_client_has_spare_credit (client, self->topic))
    {
      EventsWaiting *waiting = g_queue_pop_head (&self->waiting);

      self->waiting_bytes -= g_bytes_get_size (waiting->payload);
      events_send (self, waiting);
      events_free_waiting (waiting);
    }
  if (self->losing && self->waiting.length == 0)
    events_recover (self);
}

static gboolean
events_on_retry (gpointer data)
{
  CollectorEvents *self = data;

  events_send_waiting (self);
  if (self->waiting.length > 0)
    return G_SOURCE_CONTINUE;
  collector_timer_clear (&self->retry);
  return G_SOURCE_REMOVE;
}

gboolean
collector_events_offer (CollectorEvents *self, GBytes *payload)
{
  gsize bytes = g_bytes_get_size (payload);
  EventsWaiting *waiting;

  if (self->waiting.length >= COLLECTOR_WAITING_MAX || self->waiting_bytes + bytes > COLLECTOR_WAITING_BYTES)
    return FALSE;
  waiting = g_new (EventsWaiting, 1);
  *waiting = (EventsWaiting){ g_bytes_ref (payload), ++self->sequence };
  g_queue_push_tail (&self->waiting, waiting);
  self->waiting_bytes += bytes;
  events_send_waiting (self);
  if (self->waiting.length > 0 && self->retry == NULL)
    self->retry = collector_timer_new (RETRY_MS, events_on_retry, self);
  return TRUE;
}

void
collector_events_publish (CollectorEvents *self, GBytes *payload)
{
  if (collector_events_offer (self, payload))
    return;
  self->sequence++;
  events_lose (self);
}
