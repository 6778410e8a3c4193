/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-budget.h"

#include "peer/peer-fixture.h"
#include "control.pb-c.h"

/* The work that calls may cause in a second: pages of one peer, and units of work of all collectors together. */

typedef struct
{
  Peers peers;
  BusPeer *one;
  BusPeer *two;
  BusPeer *agent;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.introspect_per_second = 3;
  limits.introspect_work_per_second = 10000;
  peers_setup (&f->peers, &limits);
  f->peers.core->budget = bus_budget_new ();
  f->one = peers_ready (&f->peers, "one", 1000);
  f->two = peers_ready (&f->peers, "two", 1000);
  f->agent = peers_agent (&f->peers);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  peers_teardown (&f->peers, NULL);
}

/* Spends @work units, without the cost of packing. */
static void
spend (BusPeer *asker, guint64 work)
{
  Daemoneye__Eventbus__V1__PingReply reply = DAEMONEYE__EVENTBUS__V1__PING_REPLY__INIT;

  bus_budget_spend (asker, work - BUS_WORK_ANSWER, &reply.base);
}

/* The number of pages of a peer in a second is bounded; the next second of the clock begins at zero. */
static void
test_pages (Fixture *f, gconstpointer data)
{
  gint64 now_us = 7 * G_USEC_PER_SEC;

  for (guint i = 0; i < 3; i++)
    g_assert_true (bus_budget_admit (f->one, i, now_us));
  g_assert_false (bus_budget_admit (f->one, 44, now_us));
  g_assert_false (bus_budget_admit (f->one, 45, now_us + G_USEC_PER_SEC - 1));
  peers_assert_sent (f->one, "ERROR answers=44 status=LIMIT setting=introspect_per_second value=4 limit=3\n"
                             "ERROR answers=45 status=LIMIT setting=introspect_per_second value=5 limit=3\n");
  g_assert_true (bus_budget_admit (f->two, 1, now_us)); /* each peer has its own number */
  g_assert_true (bus_budget_admit (f->one, 46, now_us + G_USEC_PER_SEC));
  peers_assert_sent (f->one, "");
  peers_assert_sent (f->two, "");
}

/* All collectors share the work of a second. Work that has begun is finished; the excess is not counted in the next second. */
static void
test_work (Fixture *f, gconstpointer data)
{
  gint64 now_us = 7 * G_USEC_PER_SEC;

  g_assert_true (bus_budget_admit_work (f->one, 1, now_us));
  spend (f->one, 9999);
  g_assert_true (bus_budget_admit_work (f->two, 2, now_us));
  spend (f->two, 50001);
  g_assert_false (bus_budget_admit_work (f->one, 3, now_us + G_USEC_PER_SEC - 1));
  peers_assert_sent (f->one,
                     "ERROR answers=3 status=LIMIT setting=introspect_work_per_second value=60000 limit=10000\n");
  g_assert_false (bus_budget_admit (f->two, 4, now_us));
  peers_assert_sent (f->two,
                     "ERROR answers=4 status=LIMIT setting=introspect_work_per_second value=60000 limit=10000\n");
  g_assert_true (bus_budget_admit_work (f->one, 5, now_us + G_USEC_PER_SEC));
  g_assert_cmpuint (f->peers.core->budget->work, ==, 0);
  peers_assert_sent (f->one, "");
}

/* When the work has reached exactly the limit, no more is admitted. */
static void
test_work_at_the_limit (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_budget_admit_work (f->one, 1, 5));
  spend (f->one, 10000);
  g_assert_false (bus_budget_admit_work (f->one, 2, 5));
}

/* The agent's work is neither bounded nor counted. */
static void
test_agent (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_budget_admit_work (f->agent, 1, 5));
  spend (f->agent, 1000000);
  g_assert_true (bus_budget_admit_work (f->one, 1, 5));
  spend (f->one, 1000000);
  g_assert_false (bus_budget_admit_work (f->one, 2, 5));
  g_assert_true (bus_budget_admit_work (f->agent, 2, 5));
  peers_assert_sent (f->agent, "");
}

/* The cost of an answer is its work, a fixed part, and a part for its packed bytes. */
static void
test_spend (Fixture *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PeerEvent reply = DAEMONEYE__EVENTBUS__V1__PEER_EVENT__INIT;
  g_autofree char *detail = g_strnfill (10 * BUS_WORK_BYTES, 'd');

  reply.detail = detail;
  g_assert_true (bus_budget_admit_work (f->one, 1, 5));
  bus_budget_spend (f->one, 77, &reply.base);
  g_assert_cmpuint (f->peers.core->budget->work, ==, 77 + BUS_WORK_ANSWER + 10);
}

/* A refused page does not count as work, and a request for work only does not count as a page. */
static void
test_kinds (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    g_assert_true (bus_budget_admit_work (f->one, i, 5));
  for (guint i = 0; i < 3; i++)
    g_assert_true (bus_budget_admit (f->one, i, 5));
  g_assert_false (bus_budget_admit (f->one, 3, 5));
  g_assert_cmpuint (f->peers.core->budget->work, ==, 0);
  g_assert_true (bus_budget_admit_work (f->one, 4, 5));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/budget/A11-pages", test_pages);
  ADD ("/core/budget/A11-work", test_work);
  ADD ("/core/budget/work-at-the-limit", test_work_at_the_limit);
  ADD ("/core/budget/agent", test_agent);
  ADD ("/core/budget/spend", test_spend);
  ADD ("/core/budget/kinds", test_kinds);
  return g_test_run ();
}
