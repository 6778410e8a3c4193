/* SPDX-License-Identifier: Apache-2.0 */
#include "route/route-fixture.h"

#include "base/bus-text.h"
#include "control.pb-c.h"

void
routes_setup (Peers *peers, gconstpointer limits_or_null)
{
  peers_setup (peers, limits_or_null);
  peers->core->routes = bus_routes_new (&peers->core->limits, peers->core->seed, &peers->core->quota);
}

void
routes_teardown (Peers *peers, gconstpointer data)
{
  BusRoutes *routes = peers->core->routes;

  while (peers->core->peers.head != NULL)
    routes_disconnect (peers, peers->core->peers.head->data, NULL);
  bus_resend_clear (peers->core);
  bus_hold_clear (peers->core);
  g_assert_cmpuint (routes->n_subscriptions, ==, 0);
  g_assert_cmpuint (g_hash_table_size (routes->groups.table), ==, 0);
  g_assert_cmpuint (g_hash_table_size (routes->servers), ==, 0);
  g_assert_cmpuint (g_hash_table_size (routes->requests), ==, 0);
  g_assert_cmpuint (bus_index_size (routes->index), ==, 0);
  bus_routes_free (g_steal_pointer (&peers->core->routes));
  peers_teardown (peers, data);
}

static void
routes_release (Peers *peers, BusSubscription *subscription, BusLeave *leave)
{
  bus_reroute_ended (peers->core, subscription, peers->core->now_us, leave);
  bus_deadline_disarm (&peers->core->deadlines, &bus_subscription_need_losses (subscription)->report_timer.deadline);
  bus_router_free (peers->core, subscription);
}

void
routes_disconnect (Peers *peers, BusPeer *peer, BusLeave *leave)
{
  g_autoptr (GPtrArray) subscriptions = bus_subscriptions_sorted (&peer->subscriptions);
  BusLeave ignored = { 0 };

  bus_peer_close (peer, WIRE_STATUS_ABSENT, NULL);
  bus_ledger_end (&peer->ledger);
  for (guint i = 0; i < subscriptions->len; i++)
    bus_router_unlist (peers->core, g_ptr_array_index (subscriptions, i));
  for (guint i = 0; i < subscriptions->len; i++)
    routes_release (peers, g_ptr_array_index (subscriptions, i), leave != NULL ? leave : &ignored);
  bus_confirm_take_notes (peers->core);
  bus_confirm_forget_peer (peer);
  bus_resend_leave (peer, peers->core->now_us);
  bus_request_forget_peer (peer);
  peers_disconnect (peers, peer);
}

static BusSubscription *
routes_add (Peers *peers,
            BusPeer *owner,
            guint32 id,
            const char *pattern,
            const char *group,
            gboolean serves,
            const BusFilter *filter,
            guint64 messages)
{
  const BusLimits *limits = &peers->core->limits;
  BusSubscription *subscription
      = bus_subscription_new (&peers->core->quota.lasting, owner, id, wire_span_str (pattern), serves);

  subscription->bounds = (BusBounds){ serves ? BUS_OVERFLOW_ERROR : BUS_OVERFLOW_DROP_OLDEST,
                                      (guint32) limits->subscription_queue_messages, limits->subscription_queue_bytes };
  bus_window_init (&subscription->window, messages, limits->receive_window_bytes);
  if (filter != NULL)
    bus_subscription_set_filter (subscription, filter);
  bus_router_add (peers->core, subscription, wire_span_str (group != NULL ? group : ""), BUS_STRATEGY_DEFAULT);
  return subscription;
}

BusSubscription *
routes_subscribe (Peers *peers,
                  BusPeer *owner,
                  guint32 id,
                  const char *pattern,
                  const char *group,
                  guint64 window_messages)
{
  return routes_add (peers, owner, id, pattern, group, FALSE, NULL, window_messages);
}

BusSubscription *
routes_serve (Peers *peers, BusPeer *owner, guint32 id, const char *topic)
{
  return routes_add (peers, owner, id, topic, NULL, TRUE, NULL, 10);
}

BusSubscription *
routes_subscribe_filtered (Peers *peers, BusPeer *owner, guint32 id, const char *pattern, const BusFilter *filter)
{
  return routes_add (peers, owner, id, pattern, NULL, FALSE, filter, 10);
}

void
routes_unsubscribe (Peers *peers, BusSubscription *subscription, BusLeave *leave)
{
  bus_router_unlist (peers->core, subscription);
  routes_release (peers, subscription, leave);
}

static BusOutcome
routes_send (Peers *peers, BusPeer *publisher, const char *topic, gsize len, gboolean broadcast)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (peers, publisher, topic, NULL, len);
  BusMatch *match = bus_router_match (peers->core, arrival->envelope.topic);

  return bus_router_publish (peers->core, &arrival->inbound, match, broadcast, peers->core->now_us);
}

BusOutcome
routes_publish (Peers *peers, BusPeer *publisher, const char *topic, gsize len)
{
  return routes_send (peers, publisher, topic, len, FALSE);
}

BusOutcome
routes_broadcast (Peers *peers, BusPeer *publisher, const char *topic, gsize len)
{
  return routes_send (peers, publisher, topic, len, TRUE);
}

void
routes_announce (Peers *peers, const char *topic, const char *text)
{
  Daemoneye__Eventbus__V1__PeerEvent event;

  daemoneye__eventbus__v1__peer_event__init (&event);
  event.detail = bus_text_for_packing (text);
  bus_router_announce (peers->core, topic, &event.base, peers->core->now_us);
}

guint
routes_count_delivered (BusPeer *peer)
{
  g_autoptr (GPtrArray) frames = peers_take (peer);
  guint n = 0;

  for (guint i = 0; i < frames->len; i++)
    n += ((const PeerFrame *) g_ptr_array_index (frames, i))->kind == WIRE_KIND_DELIVER ? 1 : 0;
  return n;
}
