/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "calls/bus-stats-page.h"

#include "calls/bus-budget.h"
#include "calls/bus-page.h"
#include "calls/bus-stats.h"
#include "route/route-fixture.h"
#include "work/bus-work.h"

/*
 * Counters in pages: a reader that follows `next` gets every row that it may see exactly once, with any texts and numbers of
 * other peers. test-stats.c tests the answer without pages.
 */

typedef Daemoneye__Eventbus__V1__StatsReply StatsReply;
typedef Daemoneye__Eventbus__V1__StatsRequest StatsRequest;

#define PAGES_MAX 2000u

typedef struct
{
  Peers peers;
  BusPeer *agent;
  BusPeer *one;
  BusPeer *two;
  gboolean any_truncated; /* whether a page of the last listing was truncated */
  guint pages;            /* of the last listing */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->peers.core->work = bus_work_new (1);
  f->peers.core->limits.introspect_per_second = 1000000;
  f->agent = peers_agent (&f->peers);
  f->two = peers_ready (&f->peers, "two", 1000);
  f->one = peers_ready (&f->peers, "one", 1000);
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

/* Asks for a page. Returns NULL if the request was refused; asserts the status. */
static StatsReply *
ask (Fixture *f, BusPeer *asker, const StatsRequest *request, WireStatus status)
{
  const BusCall call
      = { .peer = asker, .core = f->peers.core, .id = 55, .request = request, .now_us = f->peers.core->now_us };
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  StatsReply *reply;

  routes_count_delivered (asker); /* takes out the frames that were sent before */
  bus_stats_answer (&call);
  frames = peers_take (asker);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->envelope.answers, ==, 55);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  if (status != WIRE_STATUS_OK)
    return NULL;
  g_assert_cmpuint (frame->envelope.payload.len, <=, f->peers.core->limits.max_payload);
  g_assert_cmpuint (frame->envelope.payload.len, <=, BUS_PAGE_REPLY_MAX);
  reply
      = daemoneye__eventbus__v1__stats_reply__unpack (NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (reply);
  return reply;
}

static StatsRequest
request_all (guint limit)
{
  StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;

  request.subscriptions = TRUE;
  request.groups = TRUE;
  request.domains = TRUE;
  request.limit = limit;
  return request;
}

static void
print_rows (GString *out, const StatsReply *reply)
{
  for (gsize i = 0; i < reply->n_peers; i++)
    g_string_append_printf (out, "%s ", reply->peers[i]->id);
  for (gsize i = 0; i < reply->n_subscriptions; i++)
    g_string_append_printf (out, "%s/%u ", reply->subscriptions[i]->peer, reply->subscriptions[i]->subscription);
  for (gsize i = 0; i < reply->n_groups; i++)
    g_string_append_printf (out, "%s(%u,%u) ", reply->groups[i]->name, reply->groups[i]->members,
                            (guint) reply->groups[i]->queued_messages);
  for (gsize i = 0; i < reply->n_domains; i++)
    g_string_append_printf (out, "%c ", reply->domains[i]->domain[0]);
}

/* Returns the entries of all pages, as text. */
static char *
list (Fixture *f, BusPeer *asker, StatsRequest request)
{
  g_autofree char *after = g_strdup ("");
  GString *all = g_string_new (NULL);

  f->any_truncated = FALSE;
  for (f->pages = 1;; f->pages++)
    {
      g_autoptr (StatsReply) reply = NULL;
      gsize n;

      g_assert_cmpuint (f->pages, <, PAGES_MAX);
      request.after = after;
      reply = ask (f, asker, &request, WIRE_STATUS_OK);
      n = reply->n_peers + reply->n_subscriptions + reply->n_groups + reply->n_domains;
      g_assert_cmpuint (n, <=, request.limit);
      g_assert_true ((f->pages == 1) == (reply->totals != NULL));
      g_assert_true (n > 0 || reply->next[0] == '\0' || f->pages == 1);
      g_assert_cmpuint (reply->epoch, ==, f->peers.core->epoch);
      f->any_truncated |= reply->truncated;
      print_rows (all, reply);
      g_free (after);
      after = g_strdup (reply->next);
      if (*after == '\0')
        return g_string_free (all, FALSE);
    }
}

static void
assert_lists (Fixture *f, BusPeer *asker, const StatsRequest *request, const char *expected)
{
  g_autofree char *all = list (f, asker, *request);

  g_assert_cmpstr (all, ==, expected);
  g_assert_false (f->any_truncated);
}

static char *
domains_expected (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < BUS_N_DOMAINS; i++)
    g_string_append_printf (names, "%c ", bus_domain_name (i)[0]);
  return g_string_free (names, FALSE);
}

static void
fill (Fixture *f)
{
  routes_subscribe (&f->peers, f->two, 11, "events.#", "workers", 1);
  routes_subscribe (&f->peers, f->two, 2, "health.#", NULL, 10);
  routes_subscribe (&f->peers, f->one, 7, "health.#", "readers", 10);
  routes_subscribe (&f->peers, f->one, 1, "events.#", "workers", 1);
  for (guint i = 0; i < 5; i++)
    routes_publish (&f->peers, NULL, "events.process.new", 10);
}

/* Every row is listed once and in order, with each number of rows in a page. */
static void
test_pages (Fixture *f, gconstpointer data)
{
  g_autofree char *domains = domains_expected ();
  g_autofree char *expected
      = g_strconcat ("daemoneye-agent one two one/1 one/7 two/2 two/11 readers(1,0) workers(2,3) ", domains, NULL);

  fill (f);
  for (guint limit = 1; limit < 20; limit++)
    {
      const StatsRequest request = request_all (limit);

      assert_lists (f, f->agent, &request, expected);
    }
}

/* No page contains a section that was not requested. */
static void
test_sections (Fixture *f, gconstpointer data)
{
  g_autofree char *domains = domains_expected ();
  g_autofree char *all_domains = g_strconcat ("daemoneye-agent one two ", domains, NULL);

  fill (f);
  for (guint limit = 1; limit < 6; limit++)
    {
      StatsRequest request = request_all (limit);

      request.subscriptions = request.groups = FALSE;
      assert_lists (f, f->agent, &request, all_domains);
      request.domains = FALSE;
      assert_lists (f, f->agent, &request, "daemoneye-agent one two ");
      request.groups = TRUE;
      assert_lists (f, f->agent, &request, "daemoneye-agent one two readers(1,0) workers(2,3) ");
      request.groups = FALSE;
      request.subscriptions = TRUE;
      request.peer = (char *) (gsize) "two";
      assert_lists (f, f->agent, &request, "two two/2 two/11 ");
      request.peer = (char *) (gsize) "absent";
      assert_lists (f, f->agent, &request, "");
    }
}

static void
test_rights (Fixture *f, gconstpointer data)
{
  fill (f);
  for (guint limit = 1; limit < 6; limit++)
    {
      StatsRequest request = request_all (limit);

      assert_lists (f, f->one, &request, "one one/1 one/7 readers(1,0) workers(2,1) ");
      request.peer = (char *) (gsize) "two";
      request.groups = FALSE;
      assert_lists (f, f->one, &request, "");
    }
}

/* Between subscriptions that are behind there are more peers without such subscriptions than a page has rows. */
static void
test_slow (Fixture *f, gconstpointer data)
{
  fill (f);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%02u", i);

      routes_subscribe (&f->peers, peers_ready (&f->peers, id, 1000), 1, "health.#", NULL, 10);
    }
  for (guint limit = 1; limit < 5; limit++)
    {
      StatsRequest request = request_all (limit);
      g_autofree char *all = NULL;
      const char *behind;

      request.slow = TRUE;
      request.groups = request.domains = FALSE;
      all = list (f, f->agent, request);
      behind = strstr (all, "p29 two ");
      g_assert_nonnull (behind);
      g_assert_cmpstr (behind, ==, "p29 two one/1 two/11 ");
    }
}

/* The longest texts and numbers that peers can choose, and the smallest pages that limits allow. */
static void
test_small_payload (Fixture *f, gconstpointer data)
{
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *group = g_strnfill (64, 'g');
  g_autofree char *segment = g_strnfill (60, 's');
  g_autofree char *pattern = g_strdup_printf ("events.%s.%s.%s.%s", segment, segment, segment, segment);
  g_autofree char *type = g_strnfill (64, 't');
  g_autofree char *version = g_strnfill (64, 'v');
  g_autoptr (GString) expected = g_string_new ("daemoneye-agent ");
  BusPeer *peer = peers_ready (&f->peers, id, 1000);

  f->peers.core->epoch = G_MAXUINT64;
  peer->who.pid = G_MAXUINT32;
  g_ref_string_release (peer->type);
  peer->type = g_ref_string_new_intern (type);
  g_ref_string_release (peer->software_version);
  peer->software_version = g_ref_string_new_intern (version);
  memset (peer->account->name, 'n', BUS_ACCOUNT_NAME_MAX);
  peer->received = peer->received_bytes = peer->flow.delivered = peer->flow.missed = G_MAXUINT64;
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    bus_report_need_losses (&peer->flow)->missed_by[i] = G_MAXUINT64;
  g_string_append_printf (expected, "%s one two ", id);
  for (guint i = 0; i < 8; i++)
    {
      BusSubscription *subscription
          = routes_subscribe (&f->peers, peer, G_MAXUINT32 - 8 + i, pattern, i == 0 ? group : NULL, 10);
      BusSubscriptionExtra *extra;

      subscription->bounds = (BusBounds){ subscription->bounds.policy, G_MAXUINT32, G_MAXUINT64 };
      subscription->delivered = G_MAXUINT64;
      extra = bus_subscription_need_extra (subscription);
      extra->missed = extra->rerouted = G_MAXUINT64;
      for (guint k = 0; k < BUS_N_LOSSES; k++)
        extra->losses.missed_by[k] = G_MAXUINT64;
      g_string_append_printf (expected, "%s/%u ", id, G_MAXUINT32 - 8 + i);
    }
  g_string_append_printf (expected, "%s(1,0) ", group);
  for (guint max = 1024; max < 1500; max++)
    {
      StatsRequest request = request_all (1000);

      request.domains = FALSE;
      f->peers.core->limits.max_payload = max;
      assert_lists (f, f->agent, &request, expected->str);
    }
  peer->flow.delivered = peer->flow.missed = 0;
}

/* Many rows: none is missing, and each page is bounded in bytes. */
static void
test_many (Fixture *f, gconstpointer data)
{
  g_autofree char *segment = g_strnfill (60, 's');
  g_autofree char *pattern = g_strdup_printf ("events.%s.%s.%s.%s", segment, segment, segment, segment);
  g_autoptr (GString) expected = g_string_new ("daemoneye-agent one ");
  g_autoptr (GString) subscriptions = g_string_new (NULL);
  StatsRequest request = request_all (1000);

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("p%02u", i);
      BusPeer *peer = peers_ready (&f->peers, id, 1000);

      g_string_append_printf (expected, "%s ", id);
      for (guint k = 1; k <= 150; k++)
        {
          routes_subscribe (&f->peers, peer, k, pattern, NULL, 10);
          g_string_append_printf (subscriptions, "%s/%u ", id, k);
        }
    }
  g_string_append_printf (expected, "two %s", subscriptions->str);
  request.groups = request.domains = FALSE;
  assert_lists (f, f->agent, &request, expected->str);
  g_assert_cmpuint (f->pages, >, 3);
}

/* A row that does not fit in any page, which the limits of a broker exclude, does not end the listing: the page is marked as
 * truncated. */
static void
test_too_large (Fixture *f, gconstpointer data)
{
  g_autofree char *segment = g_strnfill (60, 's');
  g_autofree char *pattern = g_strdup_printf ("events.%s.%s.%s.%s", segment, segment, segment, segment);
  StatsRequest request = request_all (1000);
  g_autofree char *all = NULL;

  request.groups = request.domains = FALSE;
  routes_subscribe (&f->peers, f->one, 1, "events.#", NULL, 10);
  routes_subscribe (&f->peers, f->one, 2, pattern, NULL, 10);
  routes_subscribe (&f->peers, f->two, 3, "events.#", NULL, 10);
  f->peers.core->limits.max_payload = 400;
  all = list (f, f->agent, request);
  g_assert_cmpstr (all, ==, "daemoneye-agent one two one/1 two/3 ");
  g_assert_true (f->any_truncated);
}

/* If the rows that a cursor names have ended, the next page begins with the row after them. */
static void
test_cursor (Fixture *f, gconstpointer data)
{
  StatsRequest request = request_all (2);
  g_autoptr (StatsReply) reply = NULL;

  fill (f);
  routes_disconnect (&f->peers, f->one, NULL);
  request.after = (char *) (gsize) "2/one/1";
  reply = ask (f, f->agent, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->n_peers, ==, 0);
  g_assert_cmpuint (reply->n_subscriptions, ==, 2);
  g_assert_cmpstr (reply->subscriptions[0]->peer, ==, "two");
  g_assert_cmpuint (reply->subscriptions[0]->subscription, ==, 2);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  static const char *const cursors[]
      = { "1",       "one",  "0/one", "5/one", "1one", "/",   "1/no.segment", "2/one", "2/one/0", "2/one/4294967296",
          "2/one/x", "2//1", "3/a b", "4/0",   "4/99", "4/x", "4/-1",         "\xff/x" };
  g_autofree char *longest = g_strnfill (100000, '1');
  StatsRequest request = request_all (1001);

  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
  request.limit = 0;
  for (guint i = 0; i < G_N_ELEMENTS (cursors); i++)
    {
      request.after = (char *) (gsize) cursors[i];
      ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
    }
  for (guint section = 1; section <= 4; section++)
    {
      longest[0] = (char) ('0' + section);
      longest[1] = '/';
      request.after = longest;
      ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
    }
}

/* A page counts like a page of introspect, and costs a collector as much work. */
static void
test_budget (Fixture *f, gconstpointer data)
{
  StatsRequest request = request_all (10);

  fill (f);
  f->peers.core->limits.introspect_per_second = 3;
  for (guint i = 0; i < 3; i++)
    reply_free (ask (f, f->agent, &request, WIRE_STATUS_OK));
  ask (f, f->agent, &request, WIRE_STATUS_LIMIT);
  request.limit = 0; /* without pages */
  reply_free (ask (f, f->agent, &request, WIRE_STATUS_OK));

  f->peers.core->limits.introspect_per_second = 1000;
  f->peers.core->limits.introspect_work_per_second = 10000;
  request.limit = 1;
  for (guint i = 0; f->peers.core->budget->work < 10000; i++)
    {
      g_assert_cmpuint (i, <, 100);
      reply_free (ask (f, f->one, &request, WIRE_STATUS_OK));
    }
  ask (f, f->one, &request, WIRE_STATUS_LIMIT);
}

/* A client that does not use pages gets one reply, as before pages existed. */
static void
test_without_pages (Fixture *f, gconstpointer data)
{
  const StatsRequest request = request_all (0);
  g_autoptr (StatsReply) reply = NULL;

  fill (f);
  reply = ask (f, f->agent, &request, WIRE_STATUS_OK);
  g_assert_cmpstr (reply->next, ==, "");
  g_assert_cmpuint (reply->epoch, ==, 0);
  g_assert_nonnull (reply->totals);
  g_assert_cmpuint (reply->n_peers, ==, 3);
  g_assert_cmpuint (reply->n_subscriptions, ==, 4);
  g_assert_cmpuint (reply->n_groups, ==, 2);
  g_assert_cmpuint (reply->n_domains, ==, BUS_N_DOMAINS);
  g_assert_false (reply->truncated);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/stats-page/M23-every-row-once", test_pages);
  ADD ("/core/stats-page/sections", test_sections);
  ADD ("/core/stats-page/A11-rights", test_rights);
  ADD ("/core/stats-page/slow", test_slow);
  ADD ("/core/stats-page/small-payload", test_small_payload);
  ADD ("/core/stats-page/many", test_many);
  ADD ("/core/stats-page/too-large", test_too_large);
  ADD ("/core/stats-page/cursor", test_cursor);
  ADD ("/core/stats-page/refused", test_refused);
  ADD ("/core/stats-page/budget", test_budget);
  ADD ("/core/stats-page/without-pages", test_without_pages);
  return g_test_run ();
}
