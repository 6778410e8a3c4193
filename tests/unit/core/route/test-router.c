/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-router.h"

#include "route/bus-servers.h"
#include "route/route-fixture.h"

/* Routing: the queues to which a message is added, and the counters. */

#define TOPIC "events.process.new"

static void
assert_outcome (BusOutcome outcome, guint matched, guint queued, guint refused)
{
  g_assert_cmpuint (outcome.matched, ==, matched);
  g_assert_cmpuint (outcome.queued, ==, queued);
  g_assert_cmpuint (outcome.refused, ==, refused);
}

/* --- the index --- */

/* A subscription is found, counted, charged and matched from the time when it is added until it is unlisted. */
static void
test_add_and_release (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 charged = one->ledger.usage.charged;
  BusSubscription *subscription = routes_subscribe (f, one, 7, "events.#", "workers", 10);
  BusSubscription *server = routes_serve (f, one, 8, "tasks.procmond");
  BusLeave leave = { 0 };

  g_assert_cmpuint (f->core->routes->n_subscriptions, ==, 2);
  g_assert_cmpuint (one->ledger.usage.charged, ==,
                    charged + bus_subscription_charge (subscription) + bus_subscription_charge (server));
  g_assert_true (bus_subscriptions_find (&one->subscriptions, 7) == subscription);
  g_assert_cmpuint (bus_index_size (f->core->routes->index), ==, 1); /* a server is not in it */
  assert_outcome (routes_publish (f, NULL, TOPIC, 10), 1, 1, 0);

  bus_router_unlist (f->core, subscription);
  assert_outcome (routes_publish (f, NULL, TOPIC, 10), 0, 0, 0);
  g_assert_cmpuint (f->core->routes->n_subscriptions, ==, 1);
  g_assert_false (bus_subscriptions_find (&one->subscriptions, 7) != NULL);
  bus_reroute_ended (f->core, subscription, f->core->now_us, &leave);
  bus_router_free (f->core, subscription);
  routes_unsubscribe (f, server, &leave);
  g_assert_cmpuint (f->core->routes->n_subscriptions, ==, 0);
  g_assert_cmpuint (bus_subscriptions_size (&one->subscriptions), ==, 0);
  g_assert_cmpuint (g_hash_table_size (f->core->routes->groups.table), ==, 0);
  g_assert_cmpuint (g_hash_table_size (f->core->routes->servers), ==, 0);
  g_assert_cmpuint (routes_count_delivered (one), ==, 1);
  g_assert_cmpuint (one->ledger.usage.charged, ==, charged);
}

/* A group has the policy and the bounds that its first member asked for. */
static void
test_bounds_of_a_group (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *first = bus_subscription_new (&f->core->quota.lasting, one, 1, wire_span_str ("events.#"), FALSE);
  BusSubscription *second = bus_subscription_new (&f->core->quota.lasting, one, 2, wire_span_str ("events.#"), FALSE);

  first->bounds = (BusBounds){ BUS_OVERFLOW_CONFLATE, 5, 5000 };
  second->bounds = (BusBounds){ BUS_OVERFLOW_DROP_NEWEST, 9, 9000 };
  bus_router_add (f->core, first, wire_span_str ("workers"), BUS_STRATEGY_DEFAULT);
  bus_router_add (f->core, second, wire_span_str ("workers"), BUS_STRATEGY_DEFAULT);
  g_assert_cmpint (second->bounds.policy, ==, BUS_OVERFLOW_CONFLATE);
  g_assert_cmpuint (second->bounds.messages, ==, 5);
  g_assert_cmpuint (second->bounds.bytes, ==, 5000);
  g_assert_cmpint (first->group->bounds.policy, ==, BUS_OVERFLOW_CONFLATE);
  g_assert_nonnull (second->fifo->by_topic); /* conflate looks messages up by their topic */
}

/* --- publishing --- */

/* One frame names all matched subscriptions of a receiver. */
static void
test_one_frame (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);

  routes_subscribe (f, one, 1, "events.#", NULL, 10);
  routes_subscribe (f, one, 2, "events.process.+", NULL, 10);
  routes_subscribe (f, one, 3, "health.#", NULL, 10);
  assert_outcome (routes_publish (f, two, TOPIC, 4), 2, 2, 0);
  peers_assert_sent (one, "DELIVER for=1 for=2 topic=" TOPIC " sender=two payload=4\n");
  peers_assert_sent (two, "");
}

/* One member of a group gets a message, in turn; with broadcast each member gets it. A group counts as one match. */
static void
test_group (Peers *f, gconstpointer data)
{
  BusPeer *members[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = peers_ready (f, id, 1000);
      routes_subscribe (f, members[i], 1, "events.#", "workers", 100);
    }
  for (guint i = 0; i < 9; i++)
    assert_outcome (routes_publish (f, NULL, TOPIC, 4), 1, 1, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (routes_count_delivered (members[i]), ==, 3);
  assert_outcome (routes_broadcast (f, NULL, TOPIC, 4), 3, 3, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (routes_count_delivered (members[i]), ==, 1);
}

/* A closing peer gets no message and is not counted. */
static void
test_closing (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);

  routes_subscribe (f, one, 1, "events.#", NULL, 10);
  routes_subscribe (f, two, 1, "events.#", NULL, 10);
  bus_peer_close (one, WIRE_STATUS_OK, NULL);
  assert_outcome (routes_publish (f, NULL, TOPIC, 4), 1, 1, 0);
  peers_assert_sent (one, "GOODBYE status=OK\n");
  g_assert_cmpuint (routes_count_delivered (two), ==, 1);
}

/* Messages and payload bytes are counted by domain, also those that match no subscription. */
static void
test_domains (Peers *f, gconstpointer data)
{
  const BusDomainCounts *events = &f->core->flows.domains[bus_domain_of_topic (wire_span_str (TOPIC))];

  routes_publish (f, NULL, TOPIC, 4);
  routes_subscribe (f, peers_ready (f, "one", 1000), 1, "events.#", NULL, 10);
  routes_publish (f, NULL, TOPIC, 6);
  routes_publish (f, NULL, "health.one", 100);
  g_assert_cmpuint (events->accepted, ==, 2);
  g_assert_cmpuint (events->accepted_bytes, ==, 10);
  g_assert_cmpuint (events->delivered, ==, 1);
}

/* A message without room in the broker or in the receiver's account is refused, and a gap reports it: no loss is silent. */
static void
test_no_room (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 2000);
  BusSubscription *first = routes_subscribe (f, one, 1, "events.#", NULL, 10);
  BusSubscription *second = routes_subscribe (f, two, 1, "events.#", NULL, 10);
  guint64 rest = f->core->quota.cap - f->core->quota.memory;

  g_assert_true (bus_quota_hold (&f->core->quota, rest));
  assert_outcome (routes_publish (f, NULL, TOPIC, 4), 2, 0, 2);
  g_assert_cmpuint (bus_subscription_losses (first)->missed_by[BUS_LOSS_LIMIT], ==, 1);
  g_assert_cmpuint (bus_subscription_losses (second)->missed_by[BUS_LOSS_LIMIT], ==, 1);
  bus_quota_release (&f->core->quota, rest);

  f->core->limits.uid_bytes = MAX (one->account->usage.charged, two->account->usage.charged) + 20000;
  bus_quota_charge (&f->core->quota, &one->ledger.usage, 20000); /* only the account of the first peer is full */
  assert_outcome (routes_publish (f, NULL, TOPIC, 4), 2, 1, 1);
  g_assert_cmpuint (bus_subscription_losses (first)->missed_by[BUS_LOSS_LIMIT], ==, 2);
  g_assert_cmpuint (bus_subscription_losses (second)->missed_by[BUS_LOSS_LIMIT], ==, 1);
  bus_quota_refund (&f->core->quota, &one->ledger.usage, 20000);
}

/* More subscriptions of one peer than one frame can name get several frames. */
static void
test_many_subscriptions (Peers *f, gconstpointer data)
{
  const guint n = WIRE_SUBSCRIPTIONS_MAX + 5;
  BusPeer *one = peers_ready (f, "one", 1000);

  for (guint i = 0; i < n; i++)
    routes_subscribe (f, one, i + 1, "events.#", NULL, 10);
  assert_outcome (routes_publish (f, NULL, TOPIC, 4), n, n, 0);
  g_assert_cmpuint (routes_count_delivered (one), ==, 2);
}

/* --- direct --- */

static BusOutcome
send_direct (Peers *f, BusPeer *target, const char *topic, guint64 route_id)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (f, NULL, topic, NULL, 4);

  return bus_router_direct (f->core, &arrival->inbound, target, route_id, f->core->now_us);
}

static gboolean
is_subscribed (Peers *f, BusPeer *peer, const char *topic)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  return bus_router_is_subscribed (f->core, peer, &envelope);
}

/* Only the target gets a direct message. In a group, it does not use the turn of another member. */
static void
test_direct (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *three = peers_ready (f, "three", 1000);

  routes_subscribe (f, one, 1, "events.#", "workers", 10);
  routes_subscribe (f, two, 1, "events.#", "workers", 10);
  routes_subscribe (f, two, 2, "events.process.#", NULL, 10);
  routes_subscribe (f, three, 1, "health.#", NULL, 10);
  for (guint i = 0; i < 3; i++)
    assert_outcome (send_direct (f, two, TOPIC, 0), 2, 2, 0);
  g_assert_cmpuint (routes_count_delivered (one), ==, 0);
  g_assert_cmpuint (routes_count_delivered (two), ==, 3);
  assert_outcome (send_direct (f, three, TOPIC, 0), 0, 0, 0);
  g_assert_true (is_subscribed (f, one, TOPIC));
  g_assert_false (is_subscribed (f, three, TOPIC));
}

/* A subscription with a filter gets the messages that fit it. The others count neither as matched nor as missed. */
static void
test_filter (Peers *f, gconstpointer data)
{
  static const struct
  {
    const char *root;
    guint matched;
  } cases[] = { { "r1", 3 }, { "r2", 2 }, { "", 1 }, { "r12", 1 } };
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *narrow
      = routes_subscribe_filtered (f, one, 1, "events.#", &(BusFilter){ .root_id = wire_span_str ("r1") });
  BusSubscription *plain = routes_subscribe (f, one, 2, "events.#", NULL, 10);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusSubscription *other
      = routes_subscribe_filtered (f, two, 1, "events.#", &(BusFilter){ .root_id = wire_span_str ("r2") });
  BusSubscription *twin = routes_subscribe_filtered (f, two, 2, TOPIC, &(BusFilter){ .root_id = wire_span_str ("r1") });

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PeerArrival) arrival = peer_arrival_new (f, NULL, TOPIC, NULL, 4);

      arrival->envelope.root_id = wire_span_str (cases[i].root);
      assert_outcome (bus_router_publish (f->core, &arrival->inbound, bus_router_match (f->core, wire_span_str (TOPIC)),
                                          FALSE, f->core->now_us),
                      cases[i].matched, cases[i].matched, 0);
    }
  g_assert_cmpuint (narrow->delivered, ==, 1);
  g_assert_cmpuint (other->delivered, ==, 1);
  g_assert_cmpuint (twin->delivered, ==, 1);
  g_assert_cmpuint (plain->delivered, ==, G_N_ELEMENTS (cases));
  g_assert_cmpuint (narrow->extra->missed + other->extra->missed, ==, 0);
}

/* A direct message has to pass the filter as well. */
static void
test_filter_direct (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  g_autoptr (PeerArrival) arrival = peer_arrival_new (f, NULL, TOPIC, NULL, 4);

  routes_subscribe_filtered (f, one, 1, "events.#", &(BusFilter){ .stage = wire_span_str ("scan") });
  g_assert_false (is_subscribed (f, one, TOPIC));
  arrival->envelope.stage = wire_span_str ("scan");
  g_assert_true (bus_router_is_subscribed (f->core, one, &arrival->envelope));
  assert_outcome (bus_router_direct (f->core, &arrival->inbound, one, 0, f->core->now_us), 1, 1, 0);
}

static void
test_direct_with_acknowledgement (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;

  routes_subscribe (f, one, 1, "events.#", NULL, 10);
  send_direct (f, one, TOPIC, 0);
  send_direct (f, one, TOPIC, 55);
  frames = peers_take (one);
  g_assert_cmpuint (frames->len, ==, 2);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->flags, ==, 0);
  g_assert_cmpuint (frame->envelope.route_id, ==, 0);
  frame = g_ptr_array_index (frames, 1);
  g_assert_cmpuint (frame->flags, ==, WIRE_FLAG_WANT_DELIVERED);
  g_assert_cmpuint (frame->envelope.route_id, ==, 55);
}

/* A direct message reaches topics that its target serves, but not the target's own methods, which only answer requests. */
static void
test_direct_to_a_server (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *server = routes_serve (f, one, 1, "tasks.procmond");

  assert_outcome (send_direct (f, one, "tasks.procmond", 0), 1, 1, 0);
  server->serves_methods = TRUE;
  g_assert_false (is_subscribed (f, one, "tasks.procmond"));
  assert_outcome (send_direct (f, one, "tasks.procmond", 0), 0, 0, 0);
}

/* --- requests --- */

static void
test_pick_server (Peers *f, gconstpointer data)
{
  const WireSpan topic = wire_span_str ("tasks.procmond");
  const BusNeed need = { .len = 4, .lane = WIRE_LANE_DATA, .now_us = f->core->now_us };
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *three = peers_ready (f, "three", 1000);
  BusSubscription *first = routes_serve (f, one, 1, "tasks.procmond");
  BusSubscription *second = routes_serve (f, two, 1, "tasks.procmond");

  g_assert_null (bus_router_pick_server (f->core, wire_span_str ("tasks.netmond"), NULL, &need));
  for (guint i = 0; i < 6; i++)
    g_assert_true (bus_router_pick_server (f->core, topic, NULL, &need) == (i % 2 == 0 ? first : second));
  for (guint i = 0; i < 3; i++)
    g_assert_true (bus_router_pick_server (f->core, topic, two, &need) == second);
  g_assert_null (bus_router_pick_server (f->core, topic, three, &need));

  g_assert_cmpuint (bus_router_count_servers (f->core, topic), ==, 2);
  bus_peer_close (one, WIRE_STATUS_OK, NULL);
  g_assert_cmpuint (bus_router_count_servers (f->core, topic), ==, 1);
  g_assert_true (bus_router_pick_server (f->core, topic, NULL, &need) == second);
  g_assert_cmpuint (bus_router_count_servers (f->core, wire_span_str ("tasks.netmond")), ==, 0);
}

static gboolean
ask (Peers *f, BusSubscription *server, guint64 route_id)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (f, NULL, "tasks.procmond", NULL, 4);

  const BusDelivery delivery = { .kind = WIRE_KIND_REQUEST, .route_id = route_id, .due_us = f->core->now_us + 700 };

  bus_router_count_request (f->core, &arrival->inbound, server->serving.servers, f->core->now_us);
  return bus_router_request (f->core, &arrival->inbound, server, &delivery, f->core->now_us);
}

/* A request contains its route and its remaining time. A request without room is not accepted and leaves no gap. */
static void
test_request (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusSubscription *server = routes_serve (f, one, 1, "tasks.procmond");
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  guint n = 0;

  g_assert_true (ask (f, server, 33));
  frames = peers_take (one);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REQUEST);
  g_assert_cmpuint (frame->envelope.route_id, ==, 33);
  g_assert_cmpuint (frame->envelope.remaining_us, ==, 700);

  server->bounds.messages = 2;
  while (ask (f, server, 34))
    g_assert_cmpuint (++n, <, 100);
  g_assert_cmpuint (n, ==, 9 + 2); /* the rest of the window, and the requests that may wait */
  g_assert_cmpuint (server->extra->missed, ==, 0);
  g_assert_cmpuint (server->fifo->gaps[WIRE_LANE_DATA], ==, 0);
  g_assert_cmpuint (f->core->routes->topics.unseen, ==, 0);
  g_assert_cmpuint (bus_table_size (&f->core->routes->topics.table), ==, 1);
}

/* --- the broker's own messages --- */

static void
test_announce (Peers *f, gconstpointer data)
{
  BusPeer *agent = peers_agent (f);
  guint64 accept_seq = f->core->routes->accept_seq;

  routes_announce (f, "system.drop", "text");
  g_assert_cmpuint (f->core->routes->accept_seq, ==, accept_seq); /* no subscription matches: it is not built */
  routes_subscribe (f, agent, 1, "system.drop", NULL, 10);
  routes_announce (f, "system.drop", "text");
  routes_announce (f, "system.drop", "");
  routes_announce (f, "system.slow", "text");
  g_assert_cmpuint (f->core->routes->accept_seq, ==, accept_seq + 2);
  peers_assert_sent (agent, "DELIVER for=1 topic=system.drop sender=bus payload=6\n"
                            "DELIVER for=1 topic=system.drop sender=bus\n");
  g_assert_cmpuint (bus_table_size (&f->core->routes->topics.table), ==, 2); /* counted as well */
}

/* An event may have any size: a text that a peer chose never aborts the broker. */
static void
test_announce_large (Peers *f, gconstpointer data)
{
  static const gsize lens[] = { 2000, 2048, 16380, 16384, 70000 };
  BusPeer *agent = peers_agent (f);

  routes_subscribe (f, agent, 1, "system.drop", NULL, 10);
  for (guint i = 0; i < G_N_ELEMENTS (lens); i++)
    {
      g_autofree char *text = g_strnfill (lens[i], 'x');
      g_autoptr (GPtrArray) frames = NULL;
      const PeerFrame *frame;

      routes_announce (f, "system.drop", text);
      frames = peers_take (agent);
      g_assert_cmpuint (frames->len, ==, 1);
      frame = g_ptr_array_index (frames, 0);
      g_assert_cmpuint (frame->kind, ==, WIRE_KIND_DELIVER);
      g_assert_nonnull (
          g_strstr_len ((const char *) frame->envelope.payload.data, (gssize) frame->envelope.payload.len, text));
    }
}

#define ADD(path, function) g_test_add (path, Peers, NULL, routes_setup, function, routes_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/router/I12-add-and-release", test_add_and_release);
  ADD ("/core/router/bounds-of-a-group", test_bounds_of_a_group);
  ADD ("/core/router/T08-one-frame", test_one_frame);
  ADD ("/core/router/M05-M06-group", test_group);
  ADD ("/core/router/closing", test_closing);
  ADD ("/core/router/domains", test_domains);
  ADD ("/core/router/I06-no-room", test_no_room);
  ADD ("/core/router/R05-many-subscriptions", test_many_subscriptions);
  ADD ("/core/router/M04-direct", test_direct);
  ADD ("/core/router/direct-with-acknowledgement", test_direct_with_acknowledgement);
  ADD ("/core/router/direct-to-a-server", test_direct_to_a_server);
  ADD ("/core/router/M24-filter", test_filter);
  ADD ("/core/router/M24-filter-direct", test_filter_direct);
  ADD ("/core/router/M07-pick-server", test_pick_server);
  ADD ("/core/router/request", test_request);
  ADD ("/core/router/announce", test_announce);
  ADD ("/core/router/H05-announce-large", test_announce_large);
  return g_test_run ();
}
