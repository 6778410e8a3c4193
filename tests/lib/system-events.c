/* SPDX-License-Identifier: Apache-2.0 */
#include "system-events.h"

#include <string.h>

struct SystemEvents
{
  BusFixture *f; /* not owned */
  DeyeBusSubscription *subscription;
  GPtrArray *gone;   /* of PeerGone */
  GPtrArray *topics; /* of char* */
};

static void
peer_gone_free (gpointer data)
{
  PeerGone *gone = data;

  g_free (gone->id);
  g_free (gone);
}

static void
on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  SystemEvents *self = data;
  const char *topic = deye_bus_message_get_topic (message);
  const Daemoneye__Eventbus__V1__PeerEvent *event;
  g_autoptr (WireGuard) guard = NULL;
  const guint8 *bytes;
  PeerGone *gone;
  gsize len;

  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "bus");
  g_ptr_array_add (self->topics, g_strdup (topic));
  if (strcmp (topic, "system.peer.gone") != 0)
    return;
  bytes = deye_bus_message_get_data (message, &len);
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__peer_event__descriptor, wire_span (bytes, len), 0, NULL);
  g_assert_nonnull (guard);
  event = wire_guard_message (guard);
  gone = g_new0 (PeerGone, 1);
  gone->id = g_strdup (event->id);
  gone->pid = event->pid;
  gone->status = event->status;
  gone->subscriptions = event->subscriptions;
  gone->discarded = event->discarded;
  gone->rerouted = event->rerouted;
  gone->unacknowledged = event->unacknowledged;
  g_ptr_array_add (self->gone, gone);
}

SystemEvents *
system_events_new (BusFixture *f)
{
  SystemEvents *self = g_new0 (SystemEvents, 1);
  g_autoptr (GError) error = NULL;

  self->f = f;
  self->gone = g_ptr_array_new_with_free_func (peer_gone_free);
  self->topics = g_ptr_array_new_with_free_func (g_free);
  self->subscription = deye_bus_client_subscribe (f->boss, "system.#", NULL, on_event, self, NULL, NULL, &error);
  g_assert_no_error (error);
  return self;
}

void
system_events_free (SystemEvents *self)
{
  g_autoptr (GError) error = NULL;

  deye_bus_subscription_unsubscribe (self->subscription, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (self->subscription);
  g_ptr_array_unref (self->gone);
  g_ptr_array_unref (self->topics);
  g_free (self);
}

static const PeerGone *
find (SystemEvents *self, const char *id)
{
  for (guint i = 0; i < self->gone->len; i++)
    {
      const PeerGone *gone = g_ptr_array_index (self->gone, i);

      if (strcmp (gone->id, id) == 0)
        return gone;
    }
  return NULL;
}

const PeerGone *
system_events_wait_gone (SystemEvents *self, const char *id)
{
  bus_fixture_wait (self->f, find (self, id) != NULL);
  return find (self, id);
}

void
system_events_forget (SystemEvents *self)
{
  g_ptr_array_set_size (self->gone, 0);
}

guint
system_events_count (SystemEvents *self, const char *topic)
{
  guint n = 0;

  for (guint i = 0; i < self->topics->len; i++)
    n += strcmp (g_ptr_array_index (self->topics, i), topic) == 0;
  return n;
}
