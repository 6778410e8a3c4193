/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Many clients connect at once, beside connections that send nothing: every client that sends HELLO is accepted at its first
 * attempt. One account may have only a part of all connections.
 */

#include "bus-fixture.h"
#include "envelope.pb-c.h"
#include "raw-peer.h"

#define THREADS    20u
#define PER_THREAD 25u
#define SILENT     24u
#define NEWCOMERS  40u
#define GRACE_US   100000 /* a connection that sends HELLO within this time keeps its place */

/* max_unauthenticated keeps its default, which is far below the other two limits. */
static const BusFixtureOptions many
    = { .fatal_warnings = TRUE, .limits = "max_connections=700\nmax_connections_per_uid=700" };
static const BusFixtureOptions shared = { .limits = "max_connections=8" };

typedef struct
{
  const char *address;
  guint number;
  RawPeer *peers[PER_THREAD];
  gboolean is_late[PER_THREAD]; /* the thread had to wait for the CPU between its connect and its HELLO */
  guint ready;
} Crowd;

static void
crowd_connect (Crowd *crowd, guint i)
{
  g_autofree char *id = g_strdup_printf ("c%u-%u", crowd->number, i);
  const gint64 begin_us = g_get_monotonic_time ();
  gboolean has_sent;

  crowd->peers[i] = raw_peer_connect (crowd->address);
  has_sent = raw_peer_send_hello (crowd->peers[i], id, "procmond", RAW_VERSION_1, RAW_VERSION_1);
  crowd->is_late[i] = g_get_monotonic_time () - begin_us >= GRACE_US;
  g_assert_true (has_sent || crowd->is_late[i]);
}

static gboolean
crowd_is_welcome (Crowd *crowd, guint i)
{
  WireFrame frame;

  return raw_peer_next (crowd->peers[i], &frame) && frame.kind == WIRE_KIND_WELCOME;
}

/* Connects and sends HELLO as fast as possible, and reads the answers afterwards. Only a connection that was late may be refused:
 * it is repeated. */
static gpointer
crowd_run (gpointer data)
{
  Crowd *crowd = data;

  for (guint i = 0; i < PER_THREAD; i++)
    crowd_connect (crowd, i);
  for (guint i = 0; i < PER_THREAD; i++)
    {
      gboolean is_welcome = crowd_is_welcome (crowd, i);

      while (!is_welcome && crowd->is_late[i])
        {
          raw_peer_free (crowd->peers[i]);
          crowd_connect (crowd, i);
          is_welcome = crowd_is_welcome (crowd, i);
        }
      crowd->ready += is_welcome ? 1 : 0;
    }
  return NULL;
}

static void
test_crowd (BusFixture *f, gconstpointer data)
{
  Crowd crowds[THREADS] = { 0 };
  GThread *threads[THREADS];
  guint ready = 0;

  for (guint i = 0; i < THREADS; i++)
    {
      crowds[i].address = f->address;
      crowds[i].number = i;
      threads[i] = g_thread_new ("crowd", crowd_run, &crowds[i]);
    }
  test_watchdog_note ("the answers to HELLO");
  for (guint i = 0; i < THREADS; i++)
    {
      g_thread_join (threads[i]);
      ready += crowds[i].ready;
    }
  test_watchdog_note (NULL);
  g_assert_cmpuint (ready, ==, THREADS * PER_THREAD);
  bus_fixture_wait_peers (f, THREADS * PER_THREAD + 1);
  for (guint i = 0; i < THREADS; i++)
    for (guint j = 0; j < PER_THREAD; j++)
      raw_peer_free (crowds[i].peers[j]);
  bus_fixture_wait_peers (f, 1);
}

/* There are more silent connections than their limit permits. */
static void
test_silent (BusFixture *f, gconstpointer data)
{
  RawPeer *silent[SILENT];
  RawPeer *newcomers[NEWCOMERS];

  for (guint i = 0; i < SILENT; i++)
    silent[i] = raw_peer_connect (f->address);
  for (guint i = 0; i < NEWCOMERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("newcomer-%u", i);

      newcomers[i] = raw_peer_connect (f->address);
      g_assert_true (raw_peer_send_hello (newcomers[i], id, "procmond", RAW_VERSION_1, RAW_VERSION_1));
    }
  for (guint i = 0; i < NEWCOMERS; i++)
    g_assert_cmpuint (raw_peer_expect_welcome (newcomers[i]), ==, RAW_VERSION_1);
  bus_fixture_wait_peers (f, NEWCOMERS + 1);
  for (guint i = 0; i < NEWCOMERS; i++)
    raw_peer_free (newcomers[i]);
  for (guint i = 0; i < SILENT; i++)
    raw_peer_free (silent[i]);
}

static guint64
expect_limit (RawPeer *peer, const char *setting)
{
  Daemoneye__Eventbus__V1__Goodbye *goodbye;
  WireFrame frame;
  guint64 retry_us;

  g_assert_true (raw_peer_next (peer, &frame));
  g_assert_cmpuint (frame.kind, ==, WIRE_KIND_GOODBYE);
  goodbye = daemoneye__eventbus__v1__goodbye__unpack (NULL, frame.body.len, frame.body.data);
  g_assert_nonnull (goodbye);
  g_assert_cmpuint (goodbye->status, ==, WIRE_STATUS_LIMIT);
  g_assert_nonnull (strstr (goodbye->detail, setting));
  retry_us = goodbye->retry_us;
  daemoneye__eventbus__v1__goodbye__free_unpacked (goodbye, NULL);
  return retry_us;
}

/* By default one account can have three quarters of all connections: 6 of 8, one of which is the agent's. */
static void
test_share (BusFixture *f, gconstpointer data)
{
  RawPeer *peers[5];

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      g_autofree char *id = g_strdup_printf ("c%u", i);

      peers[i] = raw_peer_connect (f->address);
      raw_peer_hello (peers[i], id, "procmond");
    }
  {
    g_autoptr (RawPeer) refused = raw_peer_connect (f->address);

    g_assert_cmpuint (expect_limit (refused, "max-connections-per-uid"), ==, G_TIME_SPAN_SECOND);
  }
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_free (peers[i]);
}

#define ADD(path, options, function)                                                                                   \
  g_test_add (path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/integration/storm/K10-five-hundred-at-once", &many, test_crowd);
  ADD ("/integration/storm/F08-K10-beside-silent-connections", &many, test_silent);
  ADD ("/integration/storm/R01-share-of-an-account", &shared, test_share);
  return g_test_run ();
}
