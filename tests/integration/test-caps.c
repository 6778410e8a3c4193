/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The limits of queue memory for a uid and for the broker. At the limit the broker drops from the largest queues and
 * reports each dropped message; other peers lose nothing.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define TOPIC   "events.process.lifecycle"
#define STOPPED 6u
#define BATCH   50u /* less than the share of a stopped queue in the limit, so that the fast queue is never the largest */
#define BATCHES 120u
#define SIZE    4000u
#define CAP     4194304u

#define NARROW                                                                                                         \
  "max_payload=65536\nqueue_soft_bytes=2097152\nqueue_hard_bytes=4194304\npublish_window_may_drop_bytes=262144\n"

static const BusFixtureOptions narrow_broker = { .limits = NARROW "broker_bytes=4194304\nuid_bytes=67108864" };
static const BusFixtureOptions narrow_uid = { .limits = NARROW "broker_bytes=67108864\nuid_bytes=4194304" };

typedef struct
{
  TestProcess *publisher;
  TestProcess *fast;
  TestProcess *small; /* suspended, with a short queue */
  TestProcess *stopped[STOPPED];
} Crowd;

static void
gather (BusFixture *f, Crowd *crowd)
{
  crowd->publisher = bus_fixture_worker (f, "publisher", "procmond");
  crowd->fast = bus_fixture_worker (f, "fast", "procmond");
  worker_subscribe (crowd->fast, "s", TOPIC " - count");
  crowd->small = bus_fixture_worker (f, "small", "procmond");
  worker_subscribe (crowd->small, "s", "events.process.metadata - count drop-oldest 0 0 5");
  test_process_suspend (crowd->small);
  for (guint i = 0; i < STOPPED; i++)
    {
      g_autofree char *id = g_strdup_printf ("stopped-%u", i);

      crowd->stopped[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (crowd->stopped[i], "s",
                        i % 2 == 0 ? TOPIC " - count drop-oldest" : TOPIC " - count drop-newest");
      test_process_suspend (crowd->stopped[i]);
    }
}

/* Publishes at the speed of the fast subscriber until the limit is reached. */
static void
flood (BusFixture *f, const Crowd *crowd, gboolean broker)
{
  for (guint i = 0; i < BATCHES; i++)
    {
      g_auto (BusStatsView) view = { 0 };

      worker_publish (crowd->publisher, TOPIC, BATCH, SIZE);
      worker_publish (crowd->publisher, "events.process.metadata", 1, 64);
      worker_await (crowd->fast, "s", (guint64) (i + 1) * BATCH);
      view = bus_fixture_stats (f->controller);
      if (broker)
        g_assert_cmpuint (view.reply->totals->memory_bytes, <=, CAP + CAP / 10);
      else
        /* All peers have one uid here, so each queue of a message counts. */
        g_assert_cmpuint (view.reply->totals->charged_bytes, <=, CAP + CAP / 10);
    }
}

static void
test_cap (BusFixture *f, gboolean broker)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  guint64 sum = 0, by_limit = 0;
  Crowd crowd;

  gather (f, &crowd);
  flood (f, &crowd, broker);
  bus_fixture_wait (f, system_events_slow (events, broker ? "broker" : "uid", NULL) > 0);
  g_assert_cmpuint (worker_report (crowd.fast, "s").missed, ==, 0);
  for (guint i = 0; i < STOPPED; i++)
    {
      WorkerGot got;

      test_process_resume (crowd.stopped[i]);
      worker_await (crowd.stopped[i], "s", BATCH * BATCHES);
      got = worker_report (crowd.stopped[i], "s");
      g_assert_cmpuint (got.received + got.missed, ==, BATCH * BATCHES);
      by_limit += worker_detail (crowd.stopped[i], "s").limit;
      sum += got.missed;
    }
  g_assert_cmpuint (by_limit, >, 0);
  /* A peer with a short queue loses nothing. */
  test_process_resume (crowd.small);
  worker_await (crowd.small, "s", BATCHES);
  g_assert_cmpuint (worker_report (crowd.small, "s").missed, ==, 0);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_cmpuint (view.reply->totals->missed, ==, sum);
  }
}

static void
test_broker (BusFixture *f, gconstpointer data)
{
  test_cap (f, TRUE);
}

static void
test_uid (BusFixture *f, gconstpointer data)
{
  test_cap (f, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/caps/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("R04-R05-broker-limit-drops-from-largest", &narrow_broker, test_broker);
  ADD ("R04-uid-limit-drops-from-largest", &narrow_uid, test_uid);
#undef ADD
  return g_test_run ();
}
