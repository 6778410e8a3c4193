/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Subscriptions that end while messages wait for them, with real processes: delivered and missed messages add up to those
 * that matched, in the counters of the subscription, in the statistics of the broker and in system.drop.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "wire-status.h"
#include "worker-talk.h"

#define TOPIC "events.process.lifecycle"
#define N     100u

/* The broker's counters for topics of the domain "events", to which only the reader subscribes. */
typedef struct
{
  guint64 delivered;
  guint64 missed;
} Totals;

static Totals
events_of_domain (BusFixture *f)
{
  g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
  Totals totals = { 0, 0 };

  for (gsize i = 0; i < view.reply->n_domains; i++)
    if (g_str_equal (view.reply->domains[i]->domain, "events"))
      totals = (Totals){ view.reply->domains[i]->delivered, view.reply->domains[i]->missed };
  return totals;
}

/* The subscriber handles nothing: its window is full, and further messages wait in the broker. */
static TestProcess *
start_paused_reader (BusFixture *f, const char *id)
{
  TestProcess *reader = bus_fixture_worker (f, id, "procmond");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");

  worker_subscribe (reader, "s", TOPIC " - count drop-oldest 0 0 10");
  worker_do (reader, "pause s", "paused s");
  worker_publish (publisher, TOPIC, N, 200);
  worker_do (publisher, "stats", "stats"); /* the broker has accepted all of them */
  return reader;
}

static void
test_unsubscribe (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *reader = start_paused_reader (f, "reader");
  guint64 counts[2];
  Totals totals;

  test_process_send (reader, "unsubscribe s");
  worker_numbers (reader, "unsubscribed s", counts, 2);
  g_assert_cmpuint (counts[0], ==, 0); /* the callback was never called */
  g_assert_cmpuint (counts[1], ==, N);
  bus_fixture_wait (f, system_events_dropped (events, "reader") >= N - 10);
  g_assert_cmpuint (system_events_dropped_for (events, "reader", WIRE_STATUS_NOT_SUBSCRIBED), ==, N - 10);
  totals = events_of_domain (f);
  g_assert_cmpuint (totals.delivered, ==, 10);
  g_assert_cmpuint (totals.missed, ==, N - 10);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
    const Daemoneye__Eventbus__V1__PeerStats *peer = bus_stats_view_peer (&view, "reader");

    g_assert_cmpuint (peer->missed, ==, N - 10);
    g_assert_cmpuint (peer->n_missed_by, ==, 1);
    g_assert_cmpuint (peer->missed_by[0]->reason, ==, WIRE_STATUS_NOT_SUBSCRIBED);
    g_assert_cmpuint (peer->missed_by[0]->count, ==, N - 10);
    g_assert_cmpuint (view.reply->totals->discarded, ==, N - 10);
  }
}

/* The client unsubscribes while messages arrive: messages in transit to it are counted as well. */
static void
test_unsubscribe_in_flight (BusFixture *f, gconstpointer data)
{
  TestProcess *reader = bus_fixture_worker (f, "reader", "procmond");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  Totals before = { 0, 0 };

  for (guint round = 0; round < 20; round++)
    {
      guint64 counts[2];
      Totals now;

      worker_subscribe (reader, "s", TOPIC " - count drop-oldest 20 0 10");
      test_process_send (publisher, "publish " TOPIC " 2000 200");
      worker_await (reader, "s", 100);
      test_process_send (reader, "unsubscribe s");
      worker_numbers (reader, "unsubscribed s", counts, 2);
      test_process_expect_line (publisher, "published " TOPIC " 2000");
      now = events_of_domain (f);
      g_assert_cmpuint (counts[0] + counts[1], ==, now.delivered + now.missed - before.delivered - before.missed);
      before = now;
    }
}

/* The subscriber disconnects: system.drop reports as many messages as system.peer.gone has discarded. */
static void
test_disconnect (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *reader = start_paused_reader (f, "reader");
  const PeerGone *gone;
  Totals totals;

  bus_fixture_kill_worker (f, reader);
  gone = system_events_wait_gone (events, "reader");
  g_assert_cmpuint (gone->discarded, ==, N - 10);
  g_assert_cmpuint (system_events_dropped_for (events, "reader", WIRE_STATUS_NOT_SUBSCRIBED), ==, N - 10);
  totals = events_of_domain (f);
  g_assert_cmpuint (totals.delivered, ==, 10);
  g_assert_cmpuint (totals.missed, ==, N - 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/ends/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("I07-unsubscribe", test_unsubscribe);
  ADD ("I07-unsubscribe-in-flight", test_unsubscribe_in_flight);
  ADD ("I07-disconnect", test_disconnect);
#undef ADD
  return g_test_run ();
}
