/* SPDX-License-Identifier: Apache-2.0 */
#include "system-events.h"

#include <string.h>

struct SystemEvents
{
  BusFixture *f; /* not owned */
  DeyeBusSubscription *subscription;
  GPtrArray *gone;   /* of PeerGone */
  GPtrArray *topics; /* of char* */
  GPtrArray *news;   /* of News */
};

/* A system.drop (what: "drop") or a system.slow. */
typedef struct
{
  char *what;
  char *peer;
  guint reason; /* drop: a code of wire-status */
  guint64 count;
} News;

static void
news_free (gpointer data)
{
  News *news = data;

  g_free (news->what);
  g_free (news->peer);
  g_free (news);
}

static void
peer_gone_free (gpointer data)
{
  PeerGone *gone = data;

  g_free (gone->id);
  g_free (gone);
}

static WireGuard *
unpack (DeyeBusMessage *message, const ProtobufCMessageDescriptor *descriptor)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  WireGuard *guard = wire_guard_unpack_lenient (descriptor, wire_span (bytes, len), 0, NULL);

  g_assert_nonnull (guard);
  return guard;
}

static void
keep_gone (SystemEvents *self, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = unpack (message, &daemoneye__eventbus__v1__peer_event__descriptor);
  const Daemoneye__Eventbus__V1__PeerEvent *event = wire_guard_message (guard);
  PeerGone *gone = g_new0 (PeerGone, 1);

  gone->id = g_strdup (event->id);
  gone->pid = event->pid;
  gone->status = event->status;
  gone->subscriptions = event->subscriptions;
  gone->discarded = event->discarded;
  gone->rerouted = event->rerouted;
  gone->unacknowledged = event->unacknowledged;
  g_ptr_array_add (self->gone, gone);
}

static void
keep_news (SystemEvents *self, const char *what, const char *peer, guint reason, guint64 count)
{
  News *news = g_new0 (News, 1);

  news->what = g_strdup (what);
  news->peer = g_strdup (peer);
  news->reason = reason;
  news->count = count;
  g_ptr_array_add (self->news, news);
}

static void
keep_drop (SystemEvents *self, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = unpack (message, &daemoneye__eventbus__v1__drop_event__descriptor);
  const Daemoneye__Eventbus__V1__DropEvent *event = wire_guard_message (guard);
  guint64 sum = 0;

  for (gsize i = 0; i < event->n_missed_by; i++)
    {
      sum += event->missed_by[i]->count;
      keep_news (self, "drop", event->peer, event->missed_by[i]->reason, event->missed_by[i]->count);
    }
  g_assert_cmpuint (sum, ==, event->count);
}

static void
keep_slow (SystemEvents *self, DeyeBusMessage *message)
{
  g_autoptr (WireGuard) guard = unpack (message, &daemoneye__eventbus__v1__slow_event__descriptor);
  const Daemoneye__Eventbus__V1__SlowEvent *event = wire_guard_message (guard);
  g_autofree char *account = g_strdup_printf ("%u", event->uid);

  g_assert_cmpstr (event->account, ==, event->what[0] != 'b' || event->peer[0] != '\0' ? account : "");
  keep_news (self, event->what, event->peer, 0, event->value);
}

static void
on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  static const struct
  {
    const char *topic;
    void (*keep) (SystemEvents *self, DeyeBusMessage *message);
  } rows[] = { { "system.peer.gone", keep_gone }, { "system.drop", keep_drop }, { "system.slow", keep_slow } };
  SystemEvents *self = data;
  const char *topic = deye_bus_message_get_topic (message);

  g_assert_cmpstr (deye_bus_message_get_sender (message), ==, "bus");
  g_ptr_array_add (self->topics, g_strdup (topic));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (topic, rows[i].topic) == 0)
      rows[i].keep (self, message);
}

SystemEvents *
system_events_new (BusFixture *f)
{
  SystemEvents *self = g_new0 (SystemEvents, 1);
  g_autoptr (GError) error = NULL;

  self->f = f;
  self->gone = g_ptr_array_new_with_free_func (peer_gone_free);
  self->topics = g_ptr_array_new_with_free_func (g_free);
  self->news = g_ptr_array_new_with_free_func (news_free);
  self->subscription = deye_bus_client_subscribe (f->controller, "system.#", NULL, on_event, self, NULL, NULL, &error);
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
  g_ptr_array_unref (self->news);
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

guint64
system_events_dropped (SystemEvents *self, const char *peer)
{
  return system_events_dropped_for (self, peer, 0);
}

guint64
system_events_dropped_for (SystemEvents *self, const char *peer, guint reason)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->news->len; i++)
    {
      const News *news = g_ptr_array_index (self->news, i);

      if (strcmp (news->what, "drop") == 0 && strcmp (news->peer, peer) == 0 && (reason == 0 || news->reason == reason))
        sum += news->count;
    }
  return sum;
}

guint
system_events_slow (SystemEvents *self, const char *what, const char *peer)
{
  guint n = 0;

  for (guint i = 0; i < self->news->len; i++)
    {
      const News *news = g_ptr_array_index (self->news, i);

      n += strcmp (news->what, what) == 0 && (peer == NULL || strcmp (news->peer, peer) == 0);
    }
  return n;
}
