/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-stats.h"

#include "calls/bus-budget.h"
#include "route/route-fixture.h"
#include "control.pb-c.h"
#include "work/bus-work.h"

/* The sums of the broker, and the rows that a client may see: complete, sorted, and never larger than a payload. */

#define TOPIC "events.process.new"

typedef Daemoneye__Eventbus__V1__StatsReply StatsReply;
typedef Daemoneye__Eventbus__V1__StatsRequest StatsRequest;

typedef struct
{
  Peers peers;
  BusPeer *agent;
  BusPeer *one;
  BusPeer *two;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->peers.core->work = bus_work_new (1);
  f->agent = peers_agent (&f->peers);
  f->one = peers_ready (&f->peers, "one", 1000);
  f->two = peers_ready (&f->peers, "two", 1000);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  bus_work_free (g_steal_pointer (&f->peers.core->work));
  routes_teardown (&f->peers, NULL);
}

static void
reply_free (StatsReply *reply)
{
  daemoneye__eventbus__v1__stats_reply__free_unpacked (reply, NULL);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StatsReply, reply_free)

/* Asks for all sections. @slow: only subscriptions that are behind. @peer: (nullable): only subscriptions of this peer. */
static StatsReply *
ask (Fixture *f, BusPeer *asker, gboolean slow, const char *peer)
{
  StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  const BusCall call
      = { .peer = asker, .core = f->peers.core, .id = 55, .request = &request, .now_us = f->peers.core->now_us };
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  StatsReply *reply;

  request.subscriptions = TRUE;
  request.groups = TRUE;
  request.domains = TRUE;
  request.slow = slow;
  request.peer = (char *) (gsize) (peer != NULL ? peer : "");
  routes_count_delivered (asker); /* takes out the frames that were sent before */
  bus_stats_answer (&call);
  frames = peers_take (asker);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (frame->envelope.answers, ==, 55);
  g_assert_cmpuint (frame->envelope.payload.len, <=, f->peers.core->limits.max_payload);
  reply
      = daemoneye__eventbus__v1__stats_reply__unpack (NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (reply);
  return reply;
}

static void
publish (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    routes_publish (&f->peers, NULL, TOPIC, 10);
}

/* Sums include all peers, also those that have disconnected. */
static void
test_count (Fixture *f, gconstpointer data)
{
  BusSubscription *subscription = routes_subscribe (&f->peers, f->one, 1, "events.#", "workers", 1);
  BusCoreStats stats;

  subscription->bounds.messages = 2;
  routes_subscribe (&f->peers, f->two, 1, "events.#", NULL, 100);
  peers_connect (&f->peers, 1000, FALSE);
  publish (f, 5);
  bus_stats_count (f->peers.core, &stats);
  g_assert_cmpuint (stats.peers, ==, 3);
  g_assert_cmpuint (stats.connections, ==, 4);
  g_assert_cmpuint (stats.subscriptions, ==, 2);
  g_assert_cmpuint (stats.groups, ==, 1);
  g_assert_cmpuint (stats.queued_messages, ==, 2);
  g_assert_cmpuint (stats.delivered, ==, 1 + 5);
  g_assert_cmpuint (stats.missed, ==, 2);
  g_assert_cmpuint (stats.charged_bytes, ==, f->peers.core->quota.charged);
  routes_disconnect (&f->peers, f->one, NULL);
  bus_stats_count (f->peers.core, &stats);
  g_assert_cmpuint (stats.peers, ==, 2);
  g_assert_cmpuint (stats.groups, ==, 0);
  g_assert_cmpuint (stats.queued_messages, ==, 0);
  g_assert_cmpuint (stats.delivered, ==, 1 + 5);
  g_assert_cmpuint (stats.missed, ==, 2 + 2); /* two were discarded: each match is delivered or missed */
}

/* A collector gets its own rows and the sums; the agent gets all rows. */
static void
test_rights (Fixture *f, gconstpointer data)
{
  g_autoptr (StatsReply) own = NULL;
  g_autoptr (StatsReply) all = NULL;
  g_autoptr (StatsReply) other = NULL;

  routes_subscribe (&f->peers, f->one, 1, "events.#", "workers", 10);
  routes_subscribe (&f->peers, f->two, 1, "events.#", "writers", 10);
  own = ask (f, f->one, FALSE, NULL);
  g_assert_cmpuint (own->n_peers, ==, 1);
  g_assert_cmpstr (own->peers[0]->id, ==, "one");
  g_assert_cmpuint (own->n_subscriptions, ==, 1);
  g_assert_cmpuint (own->n_groups, ==, 1);
  g_assert_cmpuint (own->n_domains, ==, 0);
  g_assert_cmpuint (own->totals->peers, ==, 3);
  other = ask (f, f->one, FALSE, "two");
  g_assert_cmpuint (other->n_peers, ==, 0);
  all = ask (f, f->agent, FALSE, NULL);
  g_assert_cmpuint (all->n_peers, ==, 3);
  g_assert_cmpuint (all->n_subscriptions, ==, 2);
  g_assert_cmpuint (all->n_groups, ==, 2);
  g_assert_cmpuint (all->n_domains, ==, BUS_N_DOMAINS);
  g_assert_false (all->truncated);
}

/* The subscription that has been behind for longest is listed first. On request only those that are behind are listed. */
static void
test_slow (Fixture *f, gconstpointer data)
{
  g_autoptr (StatsReply) all = NULL;
  g_autoptr (StatsReply) slow = NULL;
  g_autoptr (StatsReply) one = NULL;

  routes_subscribe (&f->peers, f->one, 1, "health.#", NULL, 10); /* keeps up */
  routes_subscribe (&f->peers, f->one, 2, "events.#", NULL, 3);
  routes_subscribe (&f->peers, f->two, 3, "events.#", NULL, 1);
  publish (f, 2);
  f->peers.core->now_us += 1000;
  publish (f, 3);
  all = ask (f, f->agent, FALSE, NULL);
  g_assert_cmpuint (all->n_subscriptions, ==, 3);
  g_assert_cmpuint (all->subscriptions[0]->subscription, ==, 3);
  g_assert_cmpuint (all->subscriptions[1]->subscription, ==, 2);
  g_assert_cmpuint (all->subscriptions[2]->subscription, ==, 1);
  slow = ask (f, f->agent, TRUE, NULL);
  g_assert_cmpuint (slow->n_subscriptions, ==, 2);
  one = ask (f, f->agent, TRUE, "one");
  g_assert_cmpuint (one->n_subscriptions, ==, 1);
  g_assert_cmpuint (one->n_peers, ==, 1);
}

/* An answer that would exceed a payload omits entries, the least urgent first, and is marked as truncated. */
static void
test_truncated (Fixture *f, gconstpointer data)
{
  g_autoptr (StatsReply) reply = NULL;

  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *group = g_strdup_printf ("group-%u", i);

      routes_subscribe (&f->peers, f->one, i + 1, "events.#", group, 1);
    }
  publish (f, 2);
  f->peers.core->limits.max_payload = 4096;
  reply = ask (f, f->agent, FALSE, NULL);
  g_assert_true (reply->truncated);
  g_assert_cmpuint (reply->n_groups, ==, 0);
  g_assert_cmpuint (reply->n_subscriptions, >, 0);
  g_assert_cmpuint (reply->n_subscriptions, <, 200);
  g_assert_cmpuint (reply->n_peers, ==, 3);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/stats/count", test_count);
  ADD ("/core/stats/A11-rights", test_rights);
  ADD ("/core/stats/slow", test_slow);
  ADD ("/core/stats/truncated", test_truncated);
  return g_test_run ();
}
