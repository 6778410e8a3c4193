/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-events.h"

#include "route/route-fixture.h"
#include "control.pb-c.h"

/* The events system.peer.connected and system.peer.gone: their fields, their size, and the peers that get them. */

typedef Daemoneye__Eventbus__V1__PeerEvent PeerEvent;

/* Returns the only event that was sent to the watcher since the last call. */
static PeerEvent *
take_event (BusPeer *watcher, const char *topic)
{
  g_autoptr (GPtrArray) frames = peers_take (watcher);
  const PeerFrame *frame;
  PeerEvent *event;

  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_DELIVER);
  g_assert_true (wire_span_equal (frame->envelope.topic, wire_span_str (topic)));
  g_assert_true (wire_span_equal (frame->envelope.sender, wire_span_str ("bus")));
  g_assert_true (wire_span_equal (frame->envelope.type_name,
                                  wire_span_str (daemoneye__eventbus__v1__peer_event__descriptor.name)));
  event = daemoneye__eventbus__v1__peer_event__unpack (NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (event);
  return event;
}

static void
event_free (PeerEvent *event)
{
  daemoneye__eventbus__v1__peer_event__free_unpacked (event, NULL);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PeerEvent, event_free)

static void
test_connected (Peers *f, gconstpointer data)
{
  BusPeer *watcher = peers_agent (f);
  BusPeer *peer = peers_ready (f, "one", 1000);
  g_autoptr (PeerEvent) event = NULL;

  routes_subscribe (f, watcher, 1, "system.peer.connected", NULL, 10);
  bus_events_connected (peer, NULL, NULL, f->core->now_us);
  event = take_event (watcher, "system.peer.connected");
  g_assert_cmpstr (event->id, ==, "one");
  g_assert_cmpstr (event->type, ==, "procmond");
  g_assert_cmpuint (event->role, ==, BUS_ROLE_COLLECTOR);
  g_assert_cmpuint (event->pid, ==, 4321);
  g_assert_cmpuint (event->uid, ==, 1000);
  g_assert_cmpstr (event->account, ==, "1000");
  g_assert_cmpuint (event->status, ==, 0);
  g_assert_cmpuint (event->incarnation, ==, 9);
  g_assert_cmpuint (event->replaced, ==, 0);
}

/* When a connection takes over the id of an older one, its event contains the facts about the older one, which gets no
 * event. */
static void
test_replaced (Peers *f, gconstpointer data)
{
  const BusEnd end = { 7, { .discarded = 3, .rerouted = 4, .unacknowledged = 5 } };
  BusPeer *watcher = peers_agent (f);
  BusPeer *old = peers_ready (f, "old", 1000);
  BusPeer *peer = peers_ready (f, "one", 1000);
  g_autoptr (PeerEvent) event = NULL;

  routes_subscribe (f, watcher, 1, "system.peer.connected", NULL, 10);
  old->incarnation = 8;
  bus_peer_end (old, BUS_PEER_ON_TAKEOVER, WIRE_STATUS_TAKEN_OVER, "newer");
  bus_events_connected (peer, old, &end, f->core->now_us);
  event = take_event (watcher, "system.peer.connected");
  g_assert_cmpstr (event->id, ==, "one");
  g_assert_cmpuint (event->incarnation, ==, 9);
  g_assert_cmpuint (event->replaced, ==, 8);
  g_assert_cmpuint (event->status, ==, WIRE_STATUS_TAKEN_OVER);
  g_assert_cmpstr (event->detail, ==, "newer");
  g_assert_cmpuint (event->subscriptions, ==, 7);
  g_assert_cmpuint (event->discarded, ==, 3);
  g_assert_cmpuint (event->unacknowledged, ==, 5);
}

static void
test_gone (Peers *f, gconstpointer data)
{
  const BusEnd end = { 7, { .discarded = 3, .rerouted = 4, .unacknowledged = 5 } };
  BusPeer *watcher = peers_agent (f);
  BusPeer *peer = peers_ready (f, "one", 1000);
  g_autoptr (PeerEvent) event = NULL;

  routes_subscribe (f, watcher, 1, "system.peer.gone", NULL, 10);
  bus_peer_close (peer, WIRE_STATUS_SLOW_CONSUMER, "too slow");
  bus_events_gone (peer, &end, f->core->now_us);
  event = take_event (watcher, "system.peer.gone");
  g_assert_cmpstr (event->id, ==, "one");
  g_assert_cmpuint (event->status, ==, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpstr (event->detail, ==, "too slow");
  g_assert_cmpuint (event->subscriptions, ==, 7);
  g_assert_cmpuint (event->discarded, ==, 3);
  g_assert_cmpuint (event->rerouted, ==, 4);
  g_assert_cmpuint (event->incarnation, ==, 9);
  g_assert_cmpuint (event->unacknowledged, ==, 5);
}

/* An event has room for the longest texts and the largest numbers that a peer can have, and for far longer ones. */
static void
test_largest (Peers *f, gconstpointer data)
{
  const BusEnd end = { G_MAXUINT32, { G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, G_MAXUINT64 } };
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *type = g_strnfill (16384, 't');
  g_autofree char *detail = g_strnfill (300, 'd');
  BusPeer *watcher = peers_agent (f);
  BusPeer *peer = peers_ready (f, id, G_MAXUINT32 - 1);
  g_autoptr (PeerEvent) event = NULL;

  routes_subscribe (f, watcher, 1, "system.peer.gone", NULL, 10);
  g_ref_string_release (peer->type);
  peer->type = g_ref_string_new (type);
  peer->who.pid = G_MAXUINT32;
  memset (peer->account->name, 'a', BUS_ACCOUNT_NAME_MAX);
  bus_peer_close (peer, WIRE_STATUS_SLOW_CONSUMER, detail);
  bus_events_gone (peer, &end, f->core->now_us);
  event = take_event (watcher, "system.peer.gone");
  g_assert_cmpstr (event->id, ==, id);
  g_assert_cmpstr (event->type, ==, type);
  g_assert_cmpuint (strlen (event->account), ==, BUS_ACCOUNT_NAME_MAX);
  g_assert_cmpuint (event->uid, ==, G_MAXUINT32 - 1);
  g_assert_cmpuint (event->rerouted, ==, G_MAXUINT64);
}

/* A collector gets no events about peers, and # matches none of them for any subscriber. */
static void
test_rights (Peers *f, gconstpointer data)
{
  BusPeer *agent = peers_agent (f);
  BusPeer *peer = peers_ready (f, "one", 1000);

  routes_subscribe (f, peer, 1, "system.peer.connected", NULL, 10);
  routes_subscribe (f, peer, 2, "#", NULL, 10);
  routes_subscribe (f, agent, 1, "#", NULL, 10);
  bus_events_connected (peer, NULL, NULL, f->core->now_us);
  peers_assert_sent (peer, "");
  peers_assert_sent (agent, "");
}

#define ADD(path, function) g_test_add (path, Peers, NULL, routes_setup, function, routes_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/events/connected", test_connected);
  ADD ("/core/events/M15-gone", test_gone);
  ADD ("/core/events/K11-replaced", test_replaced);
  ADD ("/core/events/largest", test_largest);
  ADD ("/core/events/A11-rights", test_rights);
  return g_test_run ();
}
