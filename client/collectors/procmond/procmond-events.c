/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-events.h"

#include "deye-bus-spare.h"
#include "proc-pack.h"
#include "procmond-service.h"

/* While events wait. The client does not report when credit comes back. */
#define RETRY_MS 100

struct ProcmondEvents
{
  DeyeBusClient *client;
  ProcmondHealth *health; /* its number of lost events is kept by this module */
  GQueue waiting;         /* of EventsWaiting */
  gsize waiting_bytes;
  guint64 sequence;
  gboolean losing;
  guint retry; /* source; 0: none */
};

typedef struct
{
  GBytes *payload;
  guint64 sequence;
} EventsWaiting;

ProcmondEvents *
procmond_events_new (DeyeBusClient *client, ProcmondHealth *health)
{
  ProcmondEvents *self = g_new0 (ProcmondEvents, 1);

  self->client = client;
  self->health = health;
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
procmond_events_free (ProcmondEvents *self)
{
  if (self == NULL)
    return;
  if (self->waiting.length > 0)
    g_warning ("%u events on %s were not published: there was no connection, or no credit", self->waiting.length,
               PROCMOND_LIFECYCLE_TOPIC);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_queue_clear_full (&self->waiting, events_free_waiting);
  g_free (self);
}

static void
events_report (ProcmondEvents *self)
{
  self->health->waiting = self->losing ? self->waiting.length : 0;
  procmond_health_update (self->health);
}

static void
events_lose (ProcmondEvents *self)
{
  self->health->lost++;
  if (!self->losing)
    g_warning ("events on %s are lost from now on: %u wait for a subscriber with the policy block that stands still",
               PROCMOND_LIFECYCLE_TOPIC, self->waiting.length);
  self->losing = TRUE;
  events_report (self);
}

static void
events_recover (ProcmondEvents *self)
{
  self->losing = FALSE;
  g_message ("events on %s are published again; %" G_GUINT64_FORMAT " were lost so far", PROCMOND_LIFECYCLE_TOPIC,
             self->health->lost);
  events_report (self);
}

/* A failure means that the connection has ended, which procmond notices by itself. */
static void
events_send (ProcmondEvents *self, const EventsWaiting *waiting)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_type_name (options, "daemoneye.eventbus.v1.ProcessEvent");
  deye_bus_options_set_sequence_number (options, waiting->sequence);
  deye_bus_client_publish_async (self->client, PROCMOND_LIFECYCLE_TOPIC, waiting->payload, options, FALSE, NULL, NULL,
                                 NULL);
}

static void
events_send_waiting (ProcmondEvents *self)
{
  while (self->waiting.length > 0 && deye_bus_client_has_spare_credit (self->client, PROCMOND_LIFECYCLE_TOPIC))
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
  ProcmondEvents *self = data;

  events_send_waiting (self);
  if (self->waiting.length > 0)
    return G_SOURCE_CONTINUE;
  self->retry = 0;
  return G_SOURCE_REMOVE;
}

void
procmond_events_publish (ProcmondEvents *self, const ProcEvent *event, gint64 poll_interval_us)
{
  gsize room = (gsize) MIN (deye_bus_client_get_largest_payload (self->client), G_MAXSIZE);
  g_autoptr (GBytes) payload = proc_pack_event (event, g_get_real_time (), poll_interval_us, room);
  gsize bytes = g_bytes_get_size (payload);
  EventsWaiting *waiting;

  self->sequence++;
  if (self->waiting.length >= PROCMOND_WAITING_MAX || self->waiting_bytes + bytes > PROCMOND_WAITING_BYTES)
    {
      events_lose (self);
      return;
    }
  waiting = g_new (EventsWaiting, 1);
  *waiting = (EventsWaiting){ g_steal_pointer (&payload), self->sequence };
  g_queue_push_tail (&self->waiting, waiting);
  self->waiting_bytes += bytes;
  events_send_waiting (self);
  if (self->waiting.length > 0 && self->retry == 0)
    self->retry = g_timeout_add (RETRY_MS, events_on_retry, self);
}
