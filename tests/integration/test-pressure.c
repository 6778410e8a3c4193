/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slow and suspended subscribers: their queues stay within the limits, every message that they miss is reported, and
 * other peers lose nothing.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#define HARD_BYTES 131072
#define SIZE       1024
#define BATCH      70 /* it fits in the queue, even if the receiver has not returned any credit yet */
#define BATCHES    50

static const BusFixtureOptions narrow = {
  .limits = "max_payload=65536\nqueue_soft_bytes=65536\nqueue_hard_bytes=131072\nreceive_window_messages=64\n"
            "queue_soft_timeout_us=300000000\npublish_window_may_drop_bytes=131072",
};

static TestProcess *
subscriber (BusFixture *f, const char *id, const char *mode)
{
  TestProcess *process = bus_fixture_worker (f, id, "procmond");
  g_autofree char *rest = g_strdup_printf ("events.process.lifecycle - %s", mode);

  worker_subscribe (process, "s", rest);
  return process;
}

/* Publishes at the speed of @pace, which has received each batch before the next one begins. */
static void
publish_batches (TestProcess *publisher, TestProcess *pace, guint batches)
{
  for (guint i = 0; i < batches; i++)
    {
      test_process_send (publisher, "publish events.process.lifecycle %d %d", BATCH, SIZE);
      worker_await (pace, "s", (i + 1) * BATCH);
      test_process_expect_line (publisher, "published");
    }
}

static void
assert_bounded (BusFixture *f, const char *id)
{
  g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
  const Daemoneye__Eventbus__V1__PeerStats *peer = bus_stats_view_peer (&view, id);

  g_assert_nonnull (peer);
  g_test_message ("%s: %" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT " bytes wait", id,
                  (guint64) peer->queued_messages, (guint64) peer->queued_bytes);
  g_assert_cmpuint (peer->queued_messages, >, 0);
  /* The bound, and one message that may exceed it. */
  g_assert_cmpuint (peer->queued_bytes, <=, HARD_BYTES + SIZE + 1024);
  g_assert_cmpuint (peer->missed, >, 0);
}

static void
test_stopped (BusFixture *f, gconstpointer data)
{
  TestProcess *fast = subscriber (f, "fast", "count");
  TestProcess *stopped = subscriber (f, "stopped", "count");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  WorkerGot got;

  test_process_suspend (stopped);
  publish_batches (publisher, fast, BATCHES);
  got = worker_report (fast, "s");
  g_assert_cmpuint (got.received, ==, BATCHES * BATCH);
  g_assert_cmpuint (got.missed, ==, 0);
  assert_bounded (f, "stopped");

  test_process_resume (stopped);
  worker_await (stopped, "s", BATCHES * BATCH);
  bus_fixture_assert_idle (f);
  got = worker_report (stopped, "s");
  g_assert_cmpuint (got.received + got.missed, ==, BATCHES * BATCH);
  g_assert_cmpuint (got.missed, >, 0);
  g_assert_cmpuint (got.received, >, 0);

  /* The subscriber now gets all messages again. */
  test_process_send (publisher, "publish events.process.lifecycle 10 %d", SIZE);
  worker_await (stopped, "s", BATCHES * BATCH + 10);
  worker_await (fast, "s", BATCHES * BATCH + 10);
  g_assert_cmpuint (worker_report (stopped, "s").missed, ==, got.missed);
}

static void
test_slow (BusFixture *f, gconstpointer data)
{
  TestProcess *fast = subscriber (f, "fast", "count");
  TestProcess *slow = subscriber (f, "slow", "slow:1");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  WorkerGot got;

  publish_batches (publisher, fast, BATCHES);
  got = worker_report (fast, "s");
  g_assert_cmpuint (got.received, ==, BATCHES * BATCH);
  g_assert_cmpuint (got.missed, ==, 0);
  worker_await (slow, "s", BATCHES * BATCH);
  got = worker_report (slow, "s");
  g_assert_cmpuint (got.received + got.missed, ==, BATCHES * BATCH);
}

/* A subscriber is suspended and continued many times, and the sums stay exact. */
static void
test_stop_and_go (BusFixture *f, gconstpointer data)
{
  TestProcess *fast = subscriber (f, "fast", "count");
  TestProcess *stuttering = subscriber (f, "stuttering", "count");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  WorkerGot got;

  for (guint i = 0; i < BATCHES; i++)
    {
      if (i % 5 < 3)
        test_process_suspend (stuttering);
      else
        test_process_resume (stuttering);
      test_process_send (publisher, "publish events.process.lifecycle %d %d", BATCH, SIZE);
      worker_await (fast, "s", (i + 1) * BATCH);
      test_process_expect_line (publisher, "published");
    }
  test_process_resume (stuttering);
  worker_await (stuttering, "s", BATCHES * BATCH);
  got = worker_report (stuttering, "s");
  g_assert_cmpuint (got.received + got.missed, ==, BATCHES * BATCH);
  g_assert_cmpuint (worker_report (fast, "s").missed, ==, 0);
}

/* A group gives no message to a suspended member while another member has room. */
static void
test_group_around_stopped (BusFixture *f, gconstpointer data)
{
  TestProcess *members[3];
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (members[i], "s", "events.process.batch team count");
    }
  test_process_suspend (members[1]);
  for (guint i = 0; i < 10; i++)
    {
      test_process_send (publisher, "publish events.process.batch 60 %d", SIZE);
      test_process_expect_line (publisher, "published");
    }
  test_process_resume (members[1]);
  bus_fixture_assert_idle (f);
  worker_await_sum (f, members, 3, "s", 600);
}

/* A suspended subscriber with a full queue is killed: the broker frees its whole queue. */
static void
test_killed_when_full (BusFixture *f, gconstpointer data)
{
  TestProcess *fast = subscriber (f, "fast", "count");
  TestProcess *stopped = subscriber (f, "stopped", "count");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");

  test_process_suspend (stopped);
  publish_batches (publisher, fast, 10);
  assert_bounded (f, "stopped");
  bus_fixture_kill_worker (f, stopped);
  bus_fixture_wait_peers (f, 3);
  bus_fixture_assert_idle (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/pressure/" path, BusFixture, &narrow, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("B02-R04-stopped-subscriber", test_stopped);
  ADD ("B02-slow-subscriber", test_slow);
  ADD ("B02-stop-and-go", test_stop_and_go);
  ADD ("M06-group-around-stopped", test_group_around_stopped);
  ADD ("M15-R04-killed-when-full", test_killed_when_full);
#undef ADD
  return g_test_run ();
}
