/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-entrance.h"

#include "peer/peer-fixture.h"

/* The admission of new connections, and silent connections that are disconnected for them. */

#define OLD BUS_ENTRANCE_GRACE_US

static BusLimits small;

static BusLimit
check (Peers *f, guint32 account)
{
  const BusCredentials who = { .account = account };

  return bus_entrance_check (f->core, &who, f->core->now_us);
}

static void
disconnect_closing (Peers *f)
{
  GList *next;

  for (GList *link = f->core->peers.head; link != NULL; link = next)
    {
      BusPeer *peer = link->data;

      next = link->next;
      if (peer->state == BUS_PEER_CLOSING)
        peers_disconnect (f, peer);
    }
}

/* Asserts that a new connection of @account is accepted, and that @victim is disconnected for it; NULL: none is
 * disconnected. */
static BusPeer *
accept_over (Peers *f, guint32 account, BusPeer *victim)
{
  guint closed = f->core->unflushed.length;

  g_assert_cmpint (check (f, account), ==, BUS_N_LIMITS);
  g_assert_cmpuint (f->core->unflushed.length, ==, closed + (victim != NULL ? 1 : 0));
  if (victim != NULL)
    {
      g_assert_cmpint (victim->state, ==, BUS_PEER_CLOSING);
      g_assert_cmpint (victim->close_status, ==, WIRE_STATUS_LIMIT);
      g_assert_cmpuint (bus_peer_extra (victim)->close_retry_us, ==, BUS_ENTRANCE_RETRY_SOON_US);
      g_assert_nonnull (strstr (bus_peer_extra (victim)->close_detail, "max-unauthenticated"));
    }
  disconnect_closing (f);
  return peers_connect (f, account, FALSE);
}

/* Three connections without HELLO are allowed: a fourth one replaces the oldest silent one. */
static void
test_oldest_silent_connection_is_disconnected (Peers *f, gconstpointer data)
{
  BusPeer *first = accept_over (f, 1000, NULL);
  BusPeer *second;

  f->core->now_us += 10;
  second = accept_over (f, 1000, NULL);
  accept_over (f, 1000, NULL);
  f->core->now_us += OLD - 10;
  accept_over (f, 1001, first);
  f->core->now_us += 10;
  accept_over (f, 1001, second);
}

/* A connection that was just accepted keeps its place, unless the new connection is of the same account. */
static void
test_recent_connections_keep_their_place (Peers *f, gconstpointer data)
{
  BusPeer *first = accept_over (f, 1000, NULL);

  accept_over (f, 1000, NULL);
  accept_over (f, 1000, NULL);
  f->core->now_us += OLD - 1;
  g_assert_cmpint (check (f, 1001), ==, BUS_LIMIT_max_unauthenticated);
  g_assert_cmpuint (f->core->unflushed.length, ==, 0);
  accept_over (f, 1000, first);
}

/* The account with the most silent connections loses one, not the account that connected first. */
static void
test_account_with_most_connections_loses_one (Peers *f, gconstpointer data)
{
  BusPeer *few = accept_over (f, 1000, NULL);
  BusPeer *most = accept_over (f, 1001, NULL);

  accept_over (f, 1001, NULL);
  f->core->now_us += OLD;
  accept_over (f, 1002, most);
  g_assert_cmpint (few->state, ==, BUS_PEER_HELLO);
}

/* A connection that has sent HELLO needs no place and is not disconnected, whether it is ready or waits for its id. */
static void
test_peers_after_hello_keep_their_place (Peers *f, gconstpointer data)
{
  BusPeer *first = accept_over (f, 1000, NULL);
  BusPeer *second = accept_over (f, 1000, NULL);

  g_assert_true (bus_peer_on (first, BUS_PEER_ON_DEFER));
  accept_over (f, 1000, NULL);
  accept_over (f, 1001, NULL);
  f->core->now_us += OLD;
  accept_over (f, 1001, second);
  g_assert_cmpint (first->state, ==, BUS_PEER_WAITING);

  peers_ready (f, "one", 1000); /* needs no place */
  g_assert_cmpuint (f->core->strangers.length, ==, 3);
}

/* The agent's own connections are not disconnected for new ones. */
static void
test_agent_connections_keep_their_place (Peers *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    peers_connect (f, 0, TRUE);
  f->core->now_us += OLD;
  g_assert_cmpint (check (f, 1000), ==, BUS_LIMIT_max_unauthenticated);
  g_assert_cmpint (bus_entrance_wait_us (f->core, f->core->now_us), ==, 0);
}

/* The agent is accepted at every limit, and is never disconnected for a new connection. */
static void
test_agent (Peers *f, gconstpointer data)
{
  const BusCredentials agent = { .account = 0, .agent = TRUE };
  BusPeer *first = peers_connect (f, 0, TRUE);
  BusPeer *second = accept_over (f, 0, NULL);

  accept_over (f, 0, NULL);
  g_assert_cmpint (bus_entrance_check (f->core, &agent, f->core->now_us), ==, BUS_N_LIMITS);
  g_assert_cmpuint (f->core->unflushed.length, ==, 0);
  f->core->now_us += OLD;
  accept_over (f, 0, second);
  g_assert_cmpint (first->state, ==, BUS_PEER_HELLO);
}

static void
test_limits (Peers *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%u", i);

      g_assert_cmpint (check (f, 1000), ==, BUS_N_LIMITS);
      peers_ready (f, id, 1000);
    }
  g_assert_cmpint (check (f, 1000), ==, BUS_LIMIT_max_connections_per_uid);
  g_assert_cmpint (check (f, 1001), ==, BUS_N_LIMITS);
  for (guint i = 4; i < 6; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%u", i);

      peers_ready (f, id, 1001);
    }
  g_assert_cmpint (check (f, 1002), ==, BUS_LIMIT_max_connections);
  g_assert_cmpuint (bus_entrance_retry_us (BUS_LIMIT_max_connections), ==, BUS_ENTRANCE_RETRY_LATER_US);
  g_assert_cmpuint (bus_entrance_retry_us (BUS_LIMIT_max_connections_per_uid), ==, BUS_ENTRANCE_RETRY_LATER_US);
  g_assert_cmpuint (bus_entrance_retry_us (BUS_LIMIT_max_unauthenticated), ==, BUS_ENTRANCE_RETRY_SOON_US);
}

/* The transport waits until the oldest silent connection may be disconnected; while there is a place, it does not wait. */
static void
test_wait (Peers *f, gconstpointer data)
{
  gint64 start_us = f->core->now_us;
  BusPeer *first = accept_over (f, 1000, NULL);

  f->core->now_us += 10;
  accept_over (f, 1000, NULL);
  g_assert_cmpint (bus_entrance_wait_us (f->core, f->core->now_us), ==, 0);
  accept_over (f, 1001, NULL);
  g_assert_cmpint (bus_entrance_wait_us (f->core, f->core->now_us), ==, OLD - 10);
  g_assert_cmpint (bus_entrance_wait_us (f->core, start_us + OLD), ==, 0);
  g_assert_cmpint (bus_entrance_wait_us (f->core, start_us + 2 * OLD), ==, 0);
  g_assert_true (bus_peer_on (first, BUS_PEER_ON_DEFER));
  g_assert_cmpint (bus_entrance_wait_us (f->core, start_us + 10), ==, 0);
  accept_over (f, 1001, NULL);
  g_assert_cmpint (bus_entrance_wait_us (f->core, start_us + OLD), ==, 10);
}

#define ADD(path, function) g_test_add (path, Peers, &small, peers_setup, function, peers_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&small);
  small.max_unauthenticated = 3;
  small.max_connections = 6;
  small.max_connections_per_uid = 4;
  ADD ("/core/entrance/F08-oldest-silent-connection-is-disconnected", test_oldest_silent_connection_is_disconnected);
  ADD ("/core/entrance/F08-recent-connections-keep-their-place", test_recent_connections_keep_their_place);
  ADD ("/core/entrance/R01-account-with-most-connections-loses-one", test_account_with_most_connections_loses_one);
  ADD ("/core/entrance/F08-peers-after-HELLO-keep-their-place", test_peers_after_hello_keep_their_place);
  ADD ("/core/entrance/F08-agent-connections-keep-their-place", test_agent_connections_keep_their_place);
  ADD ("/core/entrance/R01-agent", test_agent);
  ADD ("/core/entrance/R01-limits", test_limits);
  ADD ("/core/entrance/K10-wait", test_wait);
  return g_test_run ();
}
