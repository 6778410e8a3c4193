/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-join.h"

#include "calls/bus-budget.h"
#include "calls/bus-drain.h"
#include "calls/bus-later.h"
#include "calls/bus-subscribe.h"
#include "route/bus-assured.h"
#include "route/route-fixture.h"
#include "wire-feature.h"
#include "wire-guard.h"

/* Values that a subscription may request for its group, and the right to join a group. */

typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;

typedef struct
{
  Peers peers;
  guint32 last; /* number of the last subscription */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  routes_teardown (&f->peers, NULL);
}

static BusPeer *
ready (Fixture *f, const char *id, guint32 account, const char *type)
{
  BusPeer *peer = peers_ready (&f->peers, id, account);

  peer->principal.type = wire_span_str (type);
  peer->features |= WIRE_FEATURE_DELIVERY;
  g_ptr_array_unref (peers_take (peer));
  return peer;
}

/* Subscribes, and compares the status of the answer and a word of its detail. Returns the subscription; NULL: refused */
static BusSubscription *
join (Fixture *f, BusPeer *peer, SubscribeRequest request, WireStatus status, const char *word)
{
  BusCall call
      = { .peer = peer, .core = f->peers.core, .id = 55, .request = &request, .now_us = f->peers.core->now_us };
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;

  request.subscription = ++f->last;
  bus_subscribe_answer (&call);
  frames = peers_take (peer);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  if (word != NULL)
    g_assert_nonnull (
        g_strstr_len ((const char *) frame->envelope.detail.data, (gssize) frame->envelope.detail.len, word));
  return bus_subscriptions_find (&peer->subscriptions, request.subscription);
}

/* A request for a pattern in a group, with further fields. */
#define ASK(ask_pattern, ask_group, ...)                                                                               \
  ((SubscribeRequest){ .base = PROTOBUF_C_MESSAGE_INIT (&daemoneye__eventbus__v1__subscribe_request__descriptor),      \
                       .pattern = (char *) (gsize) ask_pattern,                                                        \
                       .group = (char *) (gsize) ask_group,                                                            \
                       __VA_ARGS__ })

static void
test_in_force (Fixture *f, gconstpointer data)
{
  BusPeer *peer = ready (f, "one", 1000, "procmond");
  BusSubscription *member
      = join (f, peer, ASK ("events.#", "g", .strategy = 2, .weight = 7, .in_flight = 3), WIRE_STATUS_OK, NULL);

  g_assert_cmpint (member->group->balance.strategy, ==, BUS_STRATEGY_LEAST_LOADED);
  g_assert_cmpuint (member->share->weight, ==, 7);
  g_assert_cmpuint (member->share->in_flight, ==, 3);
  g_assert_cmpuint (member->window.window_messages, ==, 3);
  member = join (f, peer, ASK ("events.#", "g", .window_messages = 2, .in_flight = 9), WIRE_STATUS_OK, NULL);
  g_assert_cmpuint (member->share->weight, ==, 1);
  g_assert_cmpuint (member->window.window_messages, ==, 2); /* the smaller of the two */
}

/* A member that allows three messages in flight is sent three, even with a larger window; the fourth one waits. */
static void
test_in_flight (Fixture *f, gconstpointer data)
{
  BusPeer *peer = ready (f, "one", 1000, "procmond");
  BusSubscription *member = join (f, peer, ASK ("events.#", "g", .in_flight = 3), WIRE_STATUS_OK, NULL);

  for (guint i = 0; i < 5; i++)
    routes_publish (&f->peers, NULL, "events.process.new", 10);
  g_assert_cmpuint (member->delivered, ==, 3);
  g_assert_cmpuint (member->fifo->messages, ==, 2);
}

static void
test_values (Fixture *f, gconstpointer data)
{
  BusPeer *peer = ready (f, "one", 1000, "procmond");

  join (f, peer, ASK ("events.#", "", .strategy = 1), WIRE_STATUS_BAD_MESSAGE, "strategy needs a group");
  join (f, peer, ASK ("health.echo", "g", .serve = TRUE, .strategy = 1), WIRE_STATUS_BAD_MESSAGE, "take turns");
  join (f, peer, ASK ("events.#", "", .weight = 2), WIRE_STATUS_BAD_MESSAGE, "need a group or serve");
  join (f, peer, ASK ("events.#", "", .in_flight = 2), WIRE_STATUS_BAD_MESSAGE, "need a group or serve");
  join (f, peer, ASK ("events.#", "g", .strategy = 5), WIRE_STATUS_UNSUPPORTED, "strategy must be 1 round robin");
  join (f, peer, ASK ("events.#", "g", .weight = 1001), WIRE_STATUS_BAD_MESSAGE, "at most 1000");
  join (f, peer, ASK ("events.#", "g", .in_flight = 65537), WIRE_STATUS_LIMIT, NULL);
  g_assert_cmpuint (
      join (f, peer, ASK ("health.echo", "", .serve = TRUE, .weight = 2, .in_flight = 4), WIRE_STATUS_OK, NULL)
          ->window.window_messages,
      ==, 4);
}

static void
test_conflict (Fixture *f, gconstpointer data)
{
  BusPeer *one = ready (f, "one", 1000, "procmond");
  BusPeer *two = ready (f, "two", 1000, "procmond");

  join (f, one, ASK ("events.#", "g", .strategy = 3), WIRE_STATUS_OK, NULL);
  join (f, two, ASK ("events.#", "g", .strategy = 2), WIRE_STATUS_UNSUPPORTED,
        "group-strategy: the strategy of this group is random, not least-loaded");
  join (f, two, ASK ("events.#", "g"), WIRE_STATUS_OK, NULL);
  join (f, two, ASK ("events.#", "g", .strategy = 3), WIRE_STATUS_OK, NULL);
}

/* The configuration has priority over all values that members request, without an error. */
static void
test_configured (Fixture *f, gconstpointer data)
{
  BusGroupWeight weight = { (char *) "two", 3 };
  const BusGroupRule rule = {
    .name = (char *) "g", .strategy = BUS_STRATEGY_FIRST_AVAILABLE, .in_flight = 5, .weights = &weight, .n_weights = 1
  };
  BusPeer *one = ready (f, "one", 1000, "procmond");
  BusPeer *two = ready (f, "two", 1000, "procmond");
  BusSubscription *member;

  f->peers.core->routes->groups.rules = bus_group_rules_copy (&rule, 1);
  member = join (f, one, ASK ("events.#", "g", .strategy = 3, .weight = 9, .in_flight = 100), WIRE_STATUS_OK, NULL);
  g_assert_cmpint (member->group->balance.strategy, ==, BUS_STRATEGY_FIRST_AVAILABLE);
  g_assert_cmpuint (member->share->weight, ==, 9); /* the section has no weight for it */
  g_assert_cmpuint (member->share->in_flight, ==, 5);
  member = join (f, two, ASK ("events.#", "g", .strategy = 2, .weight = 9), WIRE_STATUS_OK, NULL);
  g_assert_cmpuint (member->share->weight, ==, 3);
}

static void
test_pattern (Fixture *f, gconstpointer data)
{
  BusPeer *peer = ready (f, "one", 1000, "procmond");

  join (f, peer, ASK ("events.process.#", "g"), WIRE_STATUS_OK, NULL);
  join (f, peer, ASK ("results.#", "g"), WIRE_STATUS_BAD_PATTERN, "events.process.#, that of the group's first member");
  join (f, peer, ASK ("events.+.new", "g"), WIRE_STATUS_OK, NULL);
  join (f, peer, ASK ("health.echo", "g", .serve = TRUE), WIRE_STATUS_OK, NULL);
}

/* A collector must not join the group of another type's workers. Before this rule existed, it could use the same topic and got a
 * third of their messages. */
static void
test_foreign_type (Fixture *f, gconstpointer data)
{
  BusPeer *own[] = { ready (f, "own-1", 1000, "procmond"), ready (f, "own-2", 1001, "procmond") };
  BusPeer *foreign = ready (f, "foreign", 1002, "netmond");
  BusSubscription *members[2];

  for (guint i = 0; i < 2; i++)
    members[i] = join (f, own[i], ASK ("tasks.procmond", "workers"), WIRE_STATUS_OK, NULL);
  g_assert_true (members[0]->group == members[1]->group); /* of two accounts: the type is checked instead */
  join (f, foreign, ASK ("tasks.procmond", "workers"), WIRE_STATUS_DENIED, "group-own-type");
  join (f, foreign, ASK ("tasks.procmond", "observers"), WIRE_STATUS_DENIED, "group-own-type");
  for (guint i = 0; i < 30; i++)
    routes_publish (&f->peers, NULL, "tasks.procmond", 10);
  g_assert_cmpuint (members[0]->delivered, ==, 15);
  g_assert_cmpuint (members[1]->delivered, ==, 15);
  /* The agent, tools and collectors of the type may join; every peer may observe. */
  foreign->principal.role = BUS_ROLE_TOOL;
  join (f, foreign, ASK ("tasks.procmond", "workers"), WIRE_STATUS_OK, NULL);
  foreign->principal.role = BUS_ROLE_COLLECTOR;
  join (f, foreign, ASK ("tasks.procmond", "", .policy = BUS_OVERFLOW_DROP_OLDEST), WIRE_STATUS_OK, NULL);
}

/* Publishes a message to be delivered at least once, and compares the status. */
static void
assert_kept (Fixture *f, BusPeer *publisher, const char *topic, WireStatus status)
{
  const BusAssurance assurance = { .at_least_once = TRUE };
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, publisher, topic, NULL, 10);
  BusMatch *match = bus_router_match (f->peers.core, arrival->envelope.topic);
  BusRefusal refusal;

  bus_assured_publish (f->peers.core, &arrival->inbound, match, &assurance, &refusal, f->peers.core->now_us);
  g_assert_cmpstr (wire_status_name (refusal.status), ==, wire_status_name (status));
}

static void
drain (Fixture *f, BusPeer *peer, const BusSubscription *member)
{
  static char empty[] = "";
  Daemoneye__Eventbus__V1__DrainRequest request
      = { .base = PROTOBUF_C_MESSAGE_INIT (&daemoneye__eventbus__v1__drain_request__descriptor),
          .peer = empty,
          .group = empty,
          .subscription = member->id };
  const BusCall call
      = { .peer = peer, .core = f->peers.core, .id = 56, .request = &request, .now_us = f->peers.core->now_us };

  bus_drain_answer (&call);
  bus_drain_settle (f->peers.core);
  bus_later_forget_peer (peer); /* without waiting until the member has drained */
  g_ptr_array_unref (peers_take (peer));
}

/* The rule covers wildcards. Before, a collector of another type could make its own group on tasks.#; when this group was drained,
 * or full because it settled nothing, each message that was published at least once to the type was refused. */
static void
test_foreign_wildcard (Fixture *f, gconstpointer data)
{
  static const char *const refused[]
      = { "tasks.#", "tasks.+", "tasks.procmond.#", "#", "+.#", "+.+", "+.+.#", "+.procmond", "+.procmond.#" };
  static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
  static const char *const own_or_none[G_N_ELEMENTS (names)]
      = { "tasks.netmond", "tasks.netmond.#", "+.netmond", "+.netmond.#", "+.+.anomaly", "events.#" };
  BusPeer *controller = ready (f, "controller", 1000, "");
  BusPeer *own = ready (f, "own", 1001, "procmond");
  BusPeer *foreign = ready (f, "foreign", 1002, "netmond");

  join (f, own, ASK ("tasks.procmond", "workers"), WIRE_STATUS_OK, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    join (f, foreign, ASK (refused[i], "mine"), WIRE_STATUS_DENIED, "group-own-type");
  for (guint i = 0; i < G_N_ELEMENTS (own_or_none); i++)
    drain (f, foreign, join (f, foreign, ASK (own_or_none[i], names[i]), WIRE_STATUS_OK, NULL));
  assert_kept (f, controller, "tasks.procmond", WIRE_STATUS_OK);
  /* The agent and tools may join; every other peer may only observe. */
  join (f, foreign, ASK ("tasks.#", "", .policy = BUS_OVERFLOW_DROP_OLDEST), WIRE_STATUS_OK, NULL);
  foreign->principal.role = BUS_ROLE_TOOL;
  drain (f, foreign, join (f, foreign, ASK ("tasks.#", "all"), WIRE_STATUS_OK, NULL));
  assert_kept (f, controller, "tasks.procmond", WIRE_STATUS_NO_RESPONDERS);
}

/* Every group that matches an event gets it, also a group of collectors of another type. If one of these groups has no room
 * for a message, a publish that asks for at-least-once delivery is refused; a plain publish is accepted. */
static void
test_foreign_events (Fixture *f, gconstpointer data)
{
  BusPeer *own = ready (f, "own", 1001, "procmond");
  BusPeer *foreign = ready (f, "foreign", 1002, "netmond");
  BusSubscription *member = join (f, foreign, ASK ("events.#", "mine"), WIRE_STATUS_OK, NULL);

  f->peers.core->limits.unsettled_messages = 2;
  for (guint i = 0; i < 2; i++)
    assert_kept (f, own, "events.process.new", WIRE_STATUS_OK);
  assert_kept (f, own, "events.process.new", WIRE_STATUS_LIMIT);
  g_assert_cmpuint (routes_publish (&f->peers, NULL, "events.process.new", 10).queued, ==, 1);
  g_ptr_array_unref (peers_take (foreign));
  drain (f, foreign, member);
  assert_kept (f, own, "events.process.new", WIRE_STATUS_NO_RESPONDERS);
}

/* A collector of another account gets its own group, so both groups get every message. */
static void
test_foreign_account (Fixture *f, gconstpointer data)
{
  BusPeer *own = ready (f, "own", 1000, "procmond");
  BusPeer *foreign = ready (f, "foreign", 1001, "procmond");
  BusSubscription *first = join (f, own, ASK ("events.#", "g"), WIRE_STATUS_OK, NULL);
  BusSubscription *second = join (f, foreign, ASK ("events.#", "g"), WIRE_STATUS_OK, NULL);

  g_assert_true (first->group != second->group);
  for (guint i = 0; i < 10; i++)
    routes_publish (&f->peers, NULL, "events.process.new", 10);
  g_assert_cmpuint (first->delivered, ==, 10);
  g_assert_cmpuint (second->delivered, ==, 10);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/join/M07-in-force", test_in_force);
  ADD ("/core/join/M07-in-flight", test_in_flight);
  ADD ("/core/join/values", test_values);
  ADD ("/core/join/M07-conflict", test_conflict);
  ADD ("/core/join/M07-configured", test_configured);
  ADD ("/core/join/A08-pattern", test_pattern);
  ADD ("/core/join/A08-foreign-type", test_foreign_type);
  ADD ("/core/join/A08-foreign-wildcard", test_foreign_wildcard);
  ADD ("/core/join/A08-foreign-events", test_foreign_events);
  ADD ("/core/join/A08-foreign-account", test_foreign_account);
  return g_test_run ();
}
