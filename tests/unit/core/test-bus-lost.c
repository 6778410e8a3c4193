/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* control.bus.lost: messages that a publisher could not send are reported by GAP to the subscriptions that would have got them. */

#define TOPIC "events.process.lifecycle"

static void
lost_set_up (Core *core, gconstpointer data)
{
  core_setup (core, NULL);
  core->features = WIRE_FEATURE_DELIVERY;
}

typedef struct
{
  guint32 subscriptions;
  guint32 denied;
} LostAnswer;

static LostAnswer
report_many (Client *client, guint n, const char *topic, guint64 count, WireStatus want)
{
  Daemoneye__Eventbus__V1__LostRequest request = DAEMONEYE__EVENTBUS__V1__LOST_REQUEST__INIT;
  g_autofree Daemoneye__Eventbus__V1__Lost *rows = g_new (Daemoneye__Eventbus__V1__Lost, n);
  g_autofree Daemoneye__Eventbus__V1__Lost **list = g_new (Daemoneye__Eventbus__V1__Lost *, n);
  g_autofree char *text = g_strdup (topic);
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (Got) got = NULL;
  LostAnswer answer = { 0, 0 };

  for (guint i = 0; i < n; i++)
    {
      daemoneye__eventbus__v1__lost__init (&rows[i]);
      rows[i].topic = text;
      rows[i].count = count;
      list[i] = &rows[i];
    }
  request.n_lost = n;
  request.lost = list;
  got = client_call (client, "control.bus.lost", &request.base, want);
  if (got == NULL)
    return answer;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__lost_reply__descriptor, got->envelope.payload, 0, NULL);
  answer.subscriptions = ((const Daemoneye__Eventbus__V1__LostReply *) wire_guard_message (guard))->subscriptions;
  answer.denied = ((const Daemoneye__Eventbus__V1__LostReply *) wire_guard_message (guard))->denied;
  return answer;
}

static LostAnswer
report (Client *client, const char *topic, guint64 count)
{
  return report_many (client, 1, topic, count, WIRE_STATUS_OK);
}

static void
expect_gap (Client *client, guint32 subscription, guint64 count)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_GAP);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.subscription, ==, subscription);
  g_assert_cmpuint (got->envelope.gap_count, ==, count);
  g_assert_cmpuint (got->envelope.gap_reason, ==, WIRE_STATUS_UNKNOWN);
  g_assert_cmpuint (got->envelope.gap_from, >, 0);
  g_assert_cmpuint (got->envelope.gap_to, >=, got->envelope.gap_from);
}

/* Only matching plain subscriptions get the gap, before the messages that are published next. */
static void
test_subscribers (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *exact = client_ready (core, "two", "procmond");
  Client *pattern = client_ready (core, "three", "procmond");
  Client *other = client_ready (core, "four", "procmond");
  LostAnswer answer;

  client_subscribe (exact, 1, TOPIC, NULL);
  client_subscribe (pattern, 7, "events.#", NULL);
  client_subscribe (other, 1, "events.network.#", NULL);
  answer = report (publisher, TOPIC, 5);
  g_assert_cmpuint (answer.subscriptions, ==, 2);
  g_assert_cmpuint (answer.denied, ==, 0);
  client_publish (publisher, TOPIC, 0, "x", 1);
  expect_gap (exact, 1, 5);
  expect_gap (pattern, 7, 5);
  g_assert_cmpuint (client_count (exact, WIRE_KIND_DELIVER), ==, 1);
  g_assert_null (client_take (other, WIRE_KIND_GAP));
}

/* One member of each group. */
static void
test_groups (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *first = client_ready (core, "two", "procmond");
  Client *second = client_ready (core, "three", "procmond");

  client_subscribe (first, 1, TOPIC, "g");
  client_subscribe (second, 1, TOPIC, "g");
  g_assert_cmpuint (report (publisher, TOPIC, 2).subscriptions, ==, 1);
  g_assert_cmpuint (client_count (first, WIRE_KIND_GAP) + client_count (second, WIRE_KIND_GAP), ==, 1);
}

static void
drain (Client *client, guint32 subscription)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  request.subscription = subscription;
  reply = client_call (client, "control.bus.drain", &request.base, WIRE_STATUS_OK);
}

/* A draining member gets no gap: another member gets it, and none if all drain. */
static void
test_draining_member (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *first = client_ready (core, "two", "procmond");
  Client *second = client_ready (core, "three", "procmond");

  client_subscribe (first, 1, TOPIC, "g");
  client_subscribe (second, 1, TOPIC, "g");
  drain (first, 1);
  g_assert_cmpuint (report (publisher, TOPIC, 2).subscriptions, ==, 1);
  g_assert_cmpuint (client_count (first, WIRE_KIND_GAP), ==, 0);
  g_assert_cmpuint (client_count (second, WIRE_KIND_GAP), ==, 1);
  drain (second, 1);
  g_assert_cmpuint (report (publisher, TOPIC, 2).subscriptions, ==, 0);
  g_assert_cmpuint (client_count (second, WIRE_KIND_GAP), ==, 1);
}

/* A subscription without credit gets the gap after its waiting messages. Adjoining gaps with one reason are joined. */
static void
test_without_credit (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *slow = client_ready (core, "two", "procmond");

  client_subscribe_full (slow, 1, TOPIC, NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  client_publish (publisher, TOPIC, 0, "a", 1);
  client_publish (publisher, TOPIC, 0, "b", 1);
  report (publisher, TOPIC, 2);
  report (publisher, TOPIC, 3);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_DELIVER), ==, 1);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_GAP), ==, 0);
  client_credit (slow, 1, 2, 1000);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_DELIVER), ==, 2);
  expect_gap (slow, 1, 5);
}

/* Without credit the gap waits, also if no message waits before it. */
static void
test_window_closed (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *slow = client_ready (core, "two", "procmond");

  client_subscribe_full (slow, 1, TOPIC, NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  client_publish (publisher, TOPIC, 0, "a", 1);
  report (publisher, TOPIC, 2);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_DELIVER), ==, 1);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_GAP), ==, 0);
  client_credit (slow, 1, 2, 1001);
  expect_gap (slow, 1, 2);
}

/* A filter cannot check messages that no longer exist, so a subscription with a filter gets the gap as well. */
static void
test_filtered (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  Daemoneye__Eventbus__V1__Filter filter = DAEMONEYE__EVENTBUS__V1__FILTER__INIT;
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");
  g_autofree char *stage = g_strdup ("collect"), *pattern = g_strdup (TOPIC);

  filter.stage = stage;
  request.subscription = 4;
  request.pattern = pattern;
  request.filter = &filter;
  got_free (client_call (reader, "control.bus.subscribe", &request.base, WIRE_STATUS_OK));
  g_assert_cmpuint (report (publisher, TOPIC, 3).subscriptions, ==, 1);
  expect_gap (reader, 4, 3);
}

/* The gap takes the lane of the messages that it stands for, and counts for their domain. */
static void
test_lane (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *reader = client_ready (core, "two", "procmond");
  const Got *got;

  client_subscribe (reader, 1, TOPIC, NULL);
  client_subscribe (reader, 2, "health.#", NULL);
  reader->is_stopped = TRUE;
  client_publish (client_ready (core, "one", "procmond"), TOPIC, 0, "x", 1);
  g_assert_cmpuint (report (agent, "health.x", 5).subscriptions, ==, 1);
  g_assert_cmpuint (core->core->flows.domains[bus_domain_of_topic (wire_span_str ("health.x"))].missed, ==, 5);
  reader->is_stopped = FALSE;
  core_flush (core);
  got = g_queue_peek_head (&reader->got);
  g_assert_cmpint (got->kind, ==, WIRE_KIND_GAP);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 1);
}

/* A receiver that is disconnected by the same input gets no gap. */
static void
test_closed_receiver (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");

  client_subscribe (reader, 1, TOPIC, NULL);
  bus_peer_close (reader->peer, WIRE_STATUS_SLOW_CONSUMER, "closed by an earlier frame of the same input");
  g_assert_cmpuint (report (publisher, TOPIC, 5).subscriptions, ==, 0);
  g_assert_null (client_take (reader, WIRE_KIND_GAP));
}

/* The work of the call is charged to introspect_work_per_second. The agent is not bounded. */
static void
test_budget (void)
{
  BusLimits limits;
  Core core;
  Client *publisher, *agent;
  LostAnswer answer;

  bus_limits_init (&limits);
  limits.introspect_work_per_second = 10000;
  core_setup (&core, &limits);
  core.features = WIRE_FEATURE_DELIVERY;
  publisher = client_ready (&core, "one", "procmond");
  agent = agent_ready (&core);
  for (guint i = 0; i < 3; i++)
    answer = report_many (publisher, 64, TOPIC, 1, WIRE_STATUS_OK);
  g_assert_cmpuint (answer.denied, ==, 0);
  answer = report_many (publisher, 64, TOPIC, 1, WIRE_STATUS_OK); /* work that has begun is finished */
  report_many (publisher, 64, TOPIC, 1, WIRE_STATUS_LIMIT);
  report_many (agent, 64, "health.x", 1, WIRE_STATUS_OK);
  core_advance (&core, G_TIME_SPAN_SECOND);
  report (publisher, TOPIC, 1);
  core_teardown (&core, NULL);
}

/* A loss on "a.b.#" is reported to subscriptions with wildcards. */
static void
test_pattern (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");

  client_subscribe (reader, 3, "events.#", NULL);
  g_assert_cmpuint (report (publisher, "events.process.#", 9).subscriptions, ==, 1);
  expect_gap (reader, 3, 9);
}

/* A publisher may only report losses on topics that it may publish to. The other rows of the call are handled. */
static void
test_rights (Core *core, gconstpointer data)
{
  static const char *const foreign[] = { "events.network.flow",
                                         "events.network.#",
                                         "system.drop",
                                         "control.bus.stats",
                                         "events.#",
                                         "a..b",
                                         "",
                                         "#",
                                         ".#",
                                         "events.process..x",
                                         "events.process.*.#",
                                         "events.process.X" };
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = tool_ready (core, "two");

  client_subscribe (reader, 3, "#", NULL);
  client_subscribe (reader, 4, "system.#", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      LostAnswer answer = report (publisher, foreign[i], 1);

      g_assert_cmpuint (answer.denied, ==, 1);
      g_assert_cmpuint (answer.subscriptions, ==, 0);
    }
  for (guint i = 490; i < 530; i++)
    {
      g_autofree char *segments = g_strnfill (i, 'x');
      g_autofree char *topic = g_strconcat ("events.process.", segments, i % 2 == 0 ? ".#" : "", NULL);

      g_assert_cmpuint (report (publisher, topic, 1).denied, ==, 1);
    }
  core_advance (core, 2000000);
  g_assert_null (client_take (reader, WIRE_KIND_GAP));
  report_many (publisher, 65, TOPIC, 1, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (report_many (publisher, 64, TOPIC, 1, WIRE_STATUS_OK).subscriptions, ==, 64);
  g_assert_cmpuint (report (publisher, TOPIC, 0).subscriptions, ==, 0);
}

/* Counts that are too large are bounded, and their sums do not overflow. */
static void
test_large_counts (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");
  guint64 missed = 0;

  client_subscribe (reader, 1, TOPIC, NULL);
  for (guint i = 0; i < 3; i++)
    {
      report (publisher, TOPIC, G_MAXUINT64);
      expect_gap (reader, 1, G_MAXUINT32);
      missed += G_MAXUINT32;
    }
  g_assert_cmpuint (reader->peer->flow.missed, ==, missed);
}

/* Reported losses are in the statistics and in system.drop. */
static void
test_statistics (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");
  Client *tool = tool_ready (core, "three");
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (Got) got = NULL;
  const Daemoneye__Eventbus__V1__DropEvent *drop;

  client_subscribe (reader, 1, TOPIC, NULL);
  client_subscribe (tool, 1, "system.drop", NULL);
  report (publisher, TOPIC, 5);
  core_advance (core, 2000000);
  got = client_take (tool, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__drop_event__descriptor, got->envelope.payload, 0, NULL);
  drop = wire_guard_message (guard);
  g_assert_cmpuint (drop->n_missed_by, ==, 1);
  g_assert_cmpuint (drop->missed_by[0]->count, ==, 5);
  g_assert_cmpuint (drop->missed_by[0]->reason, ==, WIRE_STATUS_UNKNOWN);
}

/* Without the feature there is no such method. */
static void
test_feature (Core *core, gconstpointer data)
{
  Client *publisher;

  core->features = 0;
  publisher = client_ready (core, "one", "procmond");
  report_many (publisher, 1, TOPIC, 1, WIRE_STATUS_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define LOST_TEST(name, function) g_test_add ("/core/lost/" name, Core, NULL, lost_set_up, function, core_teardown)
  LOST_TEST ("M16-subscribers", test_subscribers);
  LOST_TEST ("M16-groups", test_groups);
  LOST_TEST ("M06-draining-member", test_draining_member);
  LOST_TEST ("M16-without-credit", test_without_credit);
  LOST_TEST ("M16-window-closed", test_window_closed);
  LOST_TEST ("M16-filtered", test_filtered);
  LOST_TEST ("M16-lane", test_lane);
  LOST_TEST ("M16-closed-receiver", test_closed_receiver);
  LOST_TEST ("R08-large-counts", test_large_counts);
  g_test_add_func ("/core/lost/R09-budget", test_budget);
  LOST_TEST ("M16-pattern", test_pattern);
  LOST_TEST ("M16-rights", test_rights);
  LOST_TEST ("M16-statistics", test_statistics);
  LOST_TEST ("M16-feature", test_feature);
  return g_test_run ();
}
