/* SPDX-License-Identifier: Apache-2.0 */
#include "service-fixture.h"

#include "raw-peer.h"
#include "test-channel.h"
#include "test-leaks.h"
#include "test-system.h"

/* A broker with its thread and its real socket in this process; the clients are raw peers. */

typedef ServiceFixture Fixture;

static void
test_hello (Fixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
  BusCoreStats stats;

  g_assert_cmpuint (raw_peer_hello (peer, "procmond-1", "procmond"), ==, RAW_VERSION_1);
  service_stats (f->service, &stats);
  g_assert_cmpuint (stats.peers, ==, 1);
}

static void
test_modes (Fixture *f, gconstpointer data)
{
  test_system_assert_private (f->address);
}

static void
test_live_socket_is_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RawPeer) peer = NULL;

  g_assert_null (service_fixture_start_at (f->address, &error));
  g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_IN_USE);
  peer = raw_peer_connect (f->address);
  g_assert_cmpuint (raw_peer_hello (peer, "still-there", "procmond"), ==, RAW_VERSION_1);
}

static void
test_foreign_uid (Fixture *f, gconstpointer data)
{
  DaemoneyeHost host = { .struct_size = sizeof host, .address = f->address };
  BusConfig *config = bus_config_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (RawPeer) peer = NULL;

  config->accounts[0] = test_system_account () + 1;
  f->service = service_start (config, &host, &error);
  g_assert_no_error (error);
  peer = raw_peer_connect (f->address);
  g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, WIRE_STATUS_DENIED);
}

static void
start_and_stop (guint round, gpointer data)
{
  Fixture *f = data;
  g_autoptr (GError) error = NULL;
  Service *service = service_fixture_start_at (f->address, &error);
  gintptr agent;

  g_assert_no_error (error);
  agent = service_connect (service, &error);
  g_assert_cmpint (agent, >=, 0);
  if (round % 2)
    test_channel_close_handle (agent);
  service_stop (service, 10000, NULL);
  if (!(round % 2))
    test_channel_close_handle (agent);
}

static void
test_nothing_is_left (Fixture *f, gconstpointer data)
{
  test_leaks_assert_none (100, start_and_stop, f);
}

static void
test_two_at_once (Fixture *f, gconstpointer data)
{
  g_autofree char *other_address = g_build_filename (f->directory, "other.sock", NULL);
  g_autoptr (GError) error = NULL;
  Service *other = service_fixture_start_at (other_address, &error);
  g_autoptr (RawPeer) first = NULL;
  g_autoptr (RawPeer) second = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (service_epoch (other), !=, service_epoch (f->service));
  first = raw_peer_connect (f->address);
  second = raw_peer_connect (other_address);
  /* The same id at both brokers, which are independent. */
  g_assert_cmpuint (raw_peer_hello (first, "same", "procmond"), ==, RAW_VERSION_1);
  g_assert_cmpuint (raw_peer_hello (second, "same", "procmond"), ==, RAW_VERSION_1);
  service_stop (other, G_TIME_SPAN_SECOND, NULL);
  g_assert_cmpuint (raw_peer_expect_goodbye (second, NULL), ==, WIRE_STATUS_SHUTTING_DOWN);
}

#define ADD(path, data, function)                                                                                      \
  g_test_add (path, Fixture, data, service_fixture_set_up, function, service_fixture_tear_down)
#define STOPPED ((gconstpointer) "stopped")

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/service/hello", NULL, test_hello);
  ADD ("/service/A12-modes", NULL, test_modes);
  ADD ("/service/A13-live-socket-is-kept", NULL, test_live_socket_is_kept);
  ADD ("/service/A06-foreign-uid", STOPPED, test_foreign_uid);
  ADD ("/service/H04-nothing-is-left", STOPPED, test_nothing_is_left);
  ADD ("/service/H08-two-at-once", NULL, test_two_at_once);
  return g_test_run ();
}
