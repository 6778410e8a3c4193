/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-introspect.h"

#include "calls/bus-budget.h"
#include "route/route-fixture.h"
#include "introspection.pb-c.h"

/*
 * Pages of the broker's tree: a reader that follows `next` gets each entry that it may see exactly once and in order.
 * test-bus-introspect.c tests this from the view of clients, and the work that a page costs.
 */

typedef Daemoneye__Eventbus__V1__BusIntrospectReply Reply;
typedef Daemoneye__Eventbus__V1__BusIntrospectRequest Request;

enum
{
  PEERS = 1,
  SUBSCRIPTIONS,
  GROUPS,
  TOPICS,
};

typedef struct
{
  Peers peers;
  BusPeer *agent;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->peers.core->limits.introspect_per_second = 100000;
  f->agent = peers_agent (&f->peers);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  routes_teardown (&f->peers, NULL);
}

/* Asks for a page. Returns NULL if the request was refused; asserts the status. */
static Reply *
ask (Fixture *f, BusPeer *asker, const Request *request, WireStatus status)
{
  const BusCall call
      = { .peer = asker, .core = f->peers.core, .id = 55, .request = request, .now_us = f->peers.core->now_us };
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  Reply *reply;

  routes_count_delivered (asker); /* takes out the frames that were sent before */
  bus_introspect_answer (&call);
  frames = peers_take (asker);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->envelope.answers, ==, 55);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  if (status != WIRE_STATUS_OK)
    return NULL;
  g_assert_cmpuint (frame->envelope.payload.len, <=, f->peers.core->limits.max_payload);
  reply = daemoneye__eventbus__v1__bus_introspect_reply__unpack (NULL, frame->envelope.payload.len,
                                                                 frame->envelope.payload.data);
  g_assert_nonnull (reply);
  return reply;
}

static void
print_page (GString *out, const Reply *reply)
{
  for (gsize i = 0; i < reply->n_peers; i++)
    g_string_append_printf (out, "%s ", reply->peers[i]->id);
  for (gsize i = 0; i < reply->n_subscriptions; i++)
    g_string_append_printf (out, "%s/%u ", reply->subscriptions[i]->peer, reply->subscriptions[i]->subscription);
  for (gsize i = 0; i < reply->n_groups; i++)
    g_string_append_printf (out, "%s(%u) ", reply->groups[i]->name, reply->groups[i]->members);
  for (gsize i = 0; i < reply->n_topics; i++)
    g_string_append_printf (out, "%s ", reply->topics[i]->topic);
}

/* Reads all pages of @limit entries, and asserts the list of all entries. */
static void
assert_all (Fixture *f, BusPeer *asker, guint section, guint limit, const char *expected)
{
  g_autofree char *after = g_strdup ("");
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint pages = 0;; pages++)
    {
      Request request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;
      Reply *reply;
      gsize n;

      g_assert_cmpuint (pages, <, 50);
      request.section = section;
      request.limit = limit;
      request.after = after;
      reply = ask (f, asker, &request, WIRE_STATUS_OK);
      n = reply->n_peers + reply->n_subscriptions + reply->n_groups + reply->n_topics;
      g_assert_cmpuint (n, <=, limit);
      g_assert_true (n > 0 || reply->next[0] == '\0'); /* while there is more, a page has an entry */
      print_page (all, reply);
      g_free (after);
      after = g_strdup (reply->next);
      daemoneye__eventbus__v1__bus_introspect_reply__free_unpacked (reply, NULL);
      if (*after == '\0')
        break;
    }
  g_assert_cmpstr (all->str, ==, expected);
}

/* Three collectors that connect in a mixed order, with subscriptions, groups and topics. */
static void
fill (Fixture *f, BusPeer **one)
{
  BusPeer *two = peers_ready (&f->peers, "two", 1000);
  BusPeer *nine = peers_ready (&f->peers, "nine", 1000);

  *one = peers_ready (&f->peers, "one", 1000);
  routes_subscribe (&f->peers, two, 11, "events.#", "workers", 10);
  routes_subscribe (&f->peers, two, 2, "events.#", NULL, 10);
  routes_subscribe (&f->peers, *one, 7, "health.#", "readers", 10);
  routes_subscribe (&f->peers, *one, 1, "events.#", "workers", 10);
  routes_subscribe (&f->peers, nine, 3, "health.#", "auditors", 10);
  routes_announce (&f->peers, "system.drop", "x");
  routes_announce (&f->peers, "health.one", "x");
  routes_announce (&f->peers, "events.process.new", "x");
}

static void
test_pages (Fixture *f, gconstpointer data)
{
  static const guint limits[] = { 1, 2, 3, 4, 5, 1000 };
  BusPeer *one;

  fill (f, &one);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      assert_all (f, f->agent, PEERS, limits[i], "daemoneye-agent nine one two ");
      assert_all (f, f->agent, SUBSCRIPTIONS, limits[i], "nine/3 one/1 one/7 two/2 two/11 ");
      assert_all (f, f->agent, GROUPS, limits[i], "auditors(1) readers(1) workers(2) ");
      assert_all (f, f->agent, TOPICS, limits[i], "events.process.new health.one system.drop ");
    }
}

/* A collector gets itself, its own subscriptions, the groups that it is in, and topics that it may receive. */
static void
test_rights (Fixture *f, gconstpointer data)
{
  BusPeer *one;

  fill (f, &one);
  for (guint limit = 1; limit < 4; limit++)
    {
      assert_all (f, one, PEERS, limit, "one ");
      assert_all (f, one, SUBSCRIPTIONS, limit, "one/1 one/7 ");
      assert_all (f, one, GROUPS, limit, "readers(1) workers(2) ");
      assert_all (f, one, TOPICS, limit, "events.process.new health.one ");
    }
}

/* If the entry that a cursor names has ended, the page begins with the next one. */
static void
test_cursor (Fixture *f, gconstpointer data)
{
  Request request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;
  BusPeer *one;
  Reply *reply;

  fill (f, &one);
  routes_disconnect (&f->peers, one, NULL);
  request.section = PEERS;
  request.after = (char *) (gsize) "one";
  reply = ask (f, f->agent, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->n_peers, ==, 1);
  g_assert_cmpstr (reply->peers[0]->id, ==, "two");
  g_assert_cmpstr (reply->next, ==, "");
  daemoneye__eventbus__v1__bus_introspect_reply__free_unpacked (reply, NULL);
}

/* With the longest texts and numbers, no page exceeds a payload, and each page has an entry while there are more. */
static void
test_small_payload (Fixture *f, gconstpointer data)
{
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *segment = g_strnfill (60, 's');
  g_autofree char *pattern = g_strdup_printf ("events.%s.%s.%s", segment, segment, segment);
  g_autoptr (GString) expected = g_string_new (NULL);
  BusPeer *one = peers_ready (&f->peers, id, 1000);

  f->peers.core->epoch = G_MAXUINT64;
  for (guint i = 0; i < 8; i++)
    {
      routes_subscribe (&f->peers, one, G_MAXUINT32 - 8 + i, pattern, NULL, 10);
      g_string_append_printf (expected, "%s/%u ", id, G_MAXUINT32 - 8 + i);
    }
  for (guint max = 1024; max < 1400; max++)
    {
      f->peers.core->limits.max_payload = max;
      assert_all (f, f->agent, SUBSCRIPTIONS, 1000, expected->str);
    }
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  Request request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;

  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE); /* no section */
  request.section = TOPICS + 2;
  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
  request.section = PEERS;
  request.limit = 1001;
  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
  request.limit = 0;
  request.after = (char *) (gsize) "no.segment";
  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
  request.after = (char *) (gsize) "";
  request.section = GROUPS;
  request.peer = (char *) (gsize) "one";
  ask (f, f->agent, &request, WIRE_STATUS_BAD_MESSAGE);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/introspect/M23-pages", test_pages);
  ADD ("/core/introspect/A11-rights", test_rights);
  ADD ("/core/introspect/cursor", test_cursor);
  ADD ("/core/introspect/small-payload", test_small_payload);
  ADD ("/core/introspect/refused", test_refused);
  return g_test_run ();
}
