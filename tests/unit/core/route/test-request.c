/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request.h"

#include "route/route-fixture.h"
#include "wire-feature.h"

/* Pending requests: for each way in which a request can end, its requester gets exactly one answer, and no list keeps the
 * request. */

typedef struct
{
  Peers peers;
  BusPeer *asker;
  BusPeer *server;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->asker = peers_ready (&f->peers, "asker", 1000);
  f->server = peers_ready (&f->peers, "server", 1001);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

static BusRequest *
ask_from (Fixture *f, BusPendingKind kind, BusPeer *asker, BusPeer *server, guint64 id)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, asker, id, NULL, NULL, NULL };

  BusRequest *request = bus_request_new (f->peers.core, kind, &requester, server, wire_span_str ("tasks.procmond"),
                                         f->peers.core->now_us + 1000);

  request->mark.is_sent = kind == BUS_PENDING_REPLY;
  return request;
}

/* The final answer of the request has arrived and was passed on. */
static void
finish (Fixture *f, BusRequest *request)
{
  g_assert_true (bus_request_answered (f->peers.core, request));
  bus_request_complete (f->peers.core, request);
}

static BusRequest *
ask (Fixture *f, BusPendingKind kind, guint64 id)
{
  return ask_from (f, kind, f->asker, f->server, id);
}

/* Asserts that no list, table or timer has a request, and that none is charged. */
static void
assert_no_request (Fixture *f)
{
  g_assert_cmpuint (f->asker->calls->asked.length, ==, 0);
  g_assert_cmpuint (f->asker->calls->answering.length, ==, 0);
  g_assert_cmpuint (f->server->calls->asked.length, ==, 0);
  g_assert_cmpuint (f->server->calls->answering.length, ==, 0);
  g_assert_cmpuint (g_hash_table_size (f->peers.core->routes->requests), ==, 0);
  g_assert_cmpint (bus_deadline_set_next_us (&f->peers.core->deadlines), ==, G_MAXINT64);
  g_assert_cmpuint (f->asker->ledger.usage.charged, ==, BUS_PEER_COST + bus_outq_bytes (&f->asker->flow.outq));
}

/* Expires each request at its deadline. */
static void
expire_all (Fixture *f)
{
  BusDeadline *deadline;

  f->peers.core->now_us += 1000;
  while ((deadline = bus_deadline_set_pop_due (&f->peers.core->deadlines, f->peers.core->now_us)) != NULL)
    {
      BusTimer *timer = (BusTimer *) deadline;

      g_assert_cmpint (timer->kind, ==, BUS_TIMER_REQUEST);
      bus_request_expire (f->peers.core, timer->owner);
    }
}

/* --- while it waits --- */

static void
test_listed (Fixture *f, gconstpointer data)
{
  guint64 charged = f->asker->ledger.usage.charged;
  BusRequest *request = ask (f, BUS_PENDING_REPLY, 5);

  g_assert_true (f->asker->calls->asked.head->data == request);
  g_assert_true (f->server->calls->answering.head->data == request);
  g_assert_cmpint (bus_deadline_set_next_us (&f->peers.core->deadlines), ==, f->peers.core->now_us + 1000);
  g_assert_cmpuint (f->asker->ledger.usage.charged, ==, charged + sizeof (BusRequest));
  finish (f, request);
  g_assert_cmpuint (f->asker->ledger.usage.charged, ==, charged);
  assert_no_request (f);
  /* A final reply frees the request: no further frame is sent to either peer. */
  peers_assert_sent (f->asker, "");
  peers_assert_sent (f->server, "");
}

/* A request is found by its route only for its responder, and only while it waits. */
static void
test_find (Fixture *f, gconstpointer data)
{
  BusRequest *first = ask (f, BUS_PENDING_REPLY, 5);
  BusRequest *second = ask (f, BUS_PENDING_REPLY, 6);
  guint64 route_id = first->route_id;

  g_assert_cmpuint (route_id, !=, second->route_id);
  g_assert_true (bus_request_find (f->peers.core, f->server, route_id) == first);
  g_assert_null (bus_request_find (f->peers.core, f->asker, route_id));
  g_assert_null (bus_request_find (f->peers.core, f->server, route_id + 1));
  g_assert_true (bus_request_find_asked (f->asker, 6) == second);
  g_assert_null (bus_request_find_asked (f->asker, 7));
  g_assert_null (bus_request_find_asked (f->server, 6));
  finish (f, first);
  g_assert_null (bus_request_find (f->peers.core, f->server, route_id));
  g_assert_null (bus_request_find_asked (f->asker, 5));
  finish (f, second);
}

/* --- its ends --- */

static void
test_fail (Fixture *f, gconstpointer data)
{
  const BusExcess excess = { BUS_LIMIT_queue_hard_bytes, 10, 11 };
  g_autofree char *expected = NULL;
  BusRequest *request;

  bus_request_fail (f->peers.core, ask (f, BUS_PENDING_REPLY, 5), BUS_REQUEST_ON_DECLINED, WIRE_STATUS_CANCELLED,
                    "gave up");
  request = ask (f, BUS_PENDING_REPLY, 6);
  expected = g_strdup_printf ("CANCEL route=%" G_GUINT64_FORMAT "\n", request->route_id);
  bus_request_fail_full (f->peers.core, request, WIRE_STATUS_WOULD_BLOCK, "full", &excess);
  assert_no_request (f);
  peers_assert_sent (f->asker, "ERROR answers=5 status=CANCELLED\n"
                               "ERROR answers=6 status=WOULD_BLOCK setting=queue_hard_bytes value=11 limit=10\n");
  /* The responder that declined is not notified; the other one still works and gets CANCEL. */
  peers_assert_sent (f->server, expected);
}

/* The requester disconnects: the responder is notified that the request has ended, once for each request. */
static void
test_requester_disconnects (Fixture *f, gconstpointer data)
{
  guint64 route_id = ask (f, BUS_PENDING_REPLY, 5)->route_id;
  g_autofree char *expected = g_strdup_printf ("CANCEL route=%" G_GUINT64_FORMAT "\n", route_id);

  bus_request_forget_peer (f->asker);
  assert_no_request (f);
  peers_assert_sent (f->server, expected);
  peers_assert_sent (f->asker, "");
}

static void
test_responder_disconnects (Fixture *f, gconstpointer data)
{
  ask (f, BUS_PENDING_REPLY, 5);
  ask (f, BUS_PENDING_REPLY, 6)->mark.is_sent = FALSE;
  bus_peer_close (f->server, WIRE_STATUS_OK, NULL);
  bus_request_forget_peer (f->server);
  assert_no_request (f);
  peers_assert_sent (f->asker, "ERROR answers=5 status=RESPONDER_GONE\nERROR answers=6 status=RESPONDER_GONE\n");
  peers_assert_sent (f->server, "GOODBYE status=OK\n");
}

/* The deadline comes: the requester gets TIMEOUT, and the responder CANCEL if it was sent the request. */
static void
test_deadline (Fixture *f, gconstpointer data)
{
  guint64 route_id = ask (f, BUS_PENDING_REPLY, 5)->route_id;
  g_autofree char *expected = g_strdup_printf ("CANCEL route=%" G_GUINT64_FORMAT "\n", route_id);

  ask (f, BUS_PENDING_REPLY, 6)->mark.is_sent = FALSE;
  expire_all (f);
  assert_no_request (f);
  peers_assert_sent (f->asker, "ERROR answers=5 status=TIMEOUT\nERROR answers=6 status=TIMEOUT\n");
  peers_assert_sent (f->server, expected);
}

static void
test_withdraw (Fixture *f, gconstpointer data)
{
  BusRequest *request = ask (f, BUS_PENDING_REPLY, 5);
  g_autofree char *expected = g_strdup_printf ("CANCEL route=%" G_GUINT64_FORMAT "\n", request->route_id);

  bus_request_withdraw (f->peers.core, request);
  assert_no_request (f);
  peers_assert_sent (f->server, expected);
  peers_assert_sent (f->asker, "");
}

/* A request of a peer to itself ends once, and the peer is sent nothing when it disconnects. */
static void
test_to_itself (Fixture *f, gconstpointer data)
{
  ask_from (f, BUS_PENDING_REPLY, f->asker, f->asker, 5);
  bus_peer_close (f->asker, WIRE_STATUS_OK, NULL);
  bus_request_forget_peer (f->asker);
  assert_no_request (f);
  peers_assert_sent (f->asker, "GOODBYE status=OK\n");
}

/* Both disconnect in the same input call, in either order: neither is sent anything. */
static void
test_both_disconnect (Fixture *f, gconstpointer data)
{
  ask (f, BUS_PENDING_REPLY, 5);
  ask_from (f, BUS_PENDING_REPLY, f->server, f->asker, 6);
  bus_peer_close (f->asker, WIRE_STATUS_OK, NULL);
  bus_peer_close (f->server, WIRE_STATUS_OK, NULL);
  bus_request_forget_peer (f->asker);
  bus_request_forget_peer (f->server);
  assert_no_request (f);
  peers_assert_sent (f->asker, "GOODBYE status=OK\n");
  peers_assert_sent (f->server, "GOODBYE status=OK\n");
}

/* Many requests end in random ways and in random order: each gets exactly one answer. */
static void
test_random_ends (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 300
  };
  BusRequest *requests[N];
  guint answers[N] = { 0 };
  g_autoptr (GPtrArray) frames = NULL;

  for (guint i = 0; i < N; i++)
    requests[i] = ask (f, BUS_PENDING_REPLY, i + 1);
  for (guint i = 0; i < N / 2; i++)
    {
      guint at = (guint) g_test_rand_int_range (0, N);

      if (requests[at] != NULL)
        bus_request_fail (f->peers.core, g_steal_pointer (&requests[at]), BUS_REQUEST_ON_DECLINED,
                          WIRE_STATUS_CANCELLED, "gave up");
    }
  if (g_test_rand_bit ())
    expire_all (f);
  else
    bus_request_forget_peer (f->server);
  assert_no_request (f);
  frames = peers_take (f->asker);
  for (guint i = 0; i < frames->len; i++)
    answers[((const PeerFrame *) g_ptr_array_index (frames, i))->envelope.answers - 1]++;
  for (guint i = 0; i < N; i++)
    g_assert_cmpuint (answers[i], ==, 1);
}

/* --- the class of an answer --- */

/* An answer has the lane and the class that a request to the topic would have, also after the request has ended. */
static void
test_class (Fixture *f, gconstpointer data)
{
  static const char *const topics[] = { "control.collector.server", "tasks.procmond", "events.process.new" };
  static const gsize lens[] = { 0, WIRE_CONTROL_PAYLOAD_MAX, WIRE_CONTROL_PAYLOAD_MAX + 1 };

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      const BusRequester requester = { BUS_REQUESTER_PEER, f->asker, 5, NULL, NULL, NULL };
      WireSpan topic = wire_span_str (topics[i]);
      BusRequest *request
          = bus_request_new (f->peers.core, BUS_PENDING_REPLY, &requester, f->server, topic, G_MAXINT64);
      guint64 route_id = request->route_id;

      bus_request_withdraw (f->peers.core, request);
      for (guint j = 0; j < G_N_ELEMENTS (lens); j++)
        {
          WireClassOf expected = wire_class_of (WIRE_KIND_REQUEST, topic, lens[j], 0);
          WireClassOf found = bus_request_class (route_id, lens[j]);

          g_assert_cmpint (found.lane, ==, expected.lane);
          g_assert_cmpint (found.credit_class, ==, expected.credit_class);
        }
    }
  /* A route without a class, which no request has. */
  g_assert_cmpint (bus_request_class (4096, 10).credit_class, ==, WIRE_CLASS_MAY_DROP);
  g_assert_cmpint (bus_request_class (4096, 10).lane, ==, WIRE_LANE_DATA);
}

/* --- requests of tasks --- */

static BusRequest *
ask_for_task (Fixture *f)
{
  const BusRequester requester = { .kind = BUS_REQUESTER_TASK };

  return bus_request_new (f->peers.core, BUS_PENDING_REPLY, &requester, f->server, wire_span_str ("tasks.procmond"),
                          G_MAXINT64);
}

/* A request of a task counts for no peer and has no deadline. If it was sent, CANCEL is sent and the answer is awaited. */
static void
test_task_stop (Fixture *f, gconstpointer data)
{
  BusRequest *request = ask_for_task (f);
  g_autofree char *expected
      = g_strdup_printf ("CANCEL route=%" G_GUINT64_FORMAT " status=SUPERSEDED\n", request->route_id);

  g_assert_cmpuint (bus_peer_pending (f->asker), ==, 0);
  g_assert_cmpint (bus_deadline_set_next_us (&f->peers.core->deadlines), ==, G_MAXINT64);
  g_assert_false (bus_request_ask_to_stop (f->peers.core, request, WIRE_STATUS_SUPERSEDED));
  request->mark.is_sent = TRUE;
  g_assert_true (bus_request_ask_to_stop (f->peers.core, request, WIRE_STATUS_SUPERSEDED));
  peers_assert_sent (f->server, expected);
  g_assert_true (bus_request_find (f->peers.core, f->server, request->route_id) == request);
  g_assert_true (bus_request_answered (f->peers.core, request));
  g_assert_false (bus_request_ask_to_stop (f->peers.core, request, WIRE_STATUS_SUPERSEDED));
  bus_request_complete (f->peers.core, request);
  assert_no_request (f);
}

/* An ended request of a task is in the list of its kind. */
static void
test_task_ended (Fixture *f, gconstpointer data)
{
  BusRequest *request = ask_for_task (f);

  request->mark.is_sent = TRUE;
  bus_request_forget_peer (f->server);
  g_assert_null (bus_request_next_ended (f->peers.core, BUS_REQUESTER_QUESTION));
  g_assert_true (bus_request_next_ended (f->peers.core, BUS_REQUESTER_TASK) == request);
  g_assert_cmpuint (request->end.status, ==, WIRE_STATUS_RESPONDER_GONE);
  bus_request_free (f->peers.core, request);
  assert_no_request (f);
}

/* An unsent request that is handed on gets a route with the credit class at its new responder. If the class is the same, the
 * route is unchanged. */
static void
test_moved_class (Fixture *f, gconstpointer data)
{
  const BusRequester requester = { BUS_REQUESTER_PEER, f->asker, 5, NULL, NULL, NULL };
  const WireSpan topic = WIRE_SPAN_LITERAL ("control.collector.task.process");
  BusPeer *other = peers_ready (&f->peers, "other", 1002);
  BusRequest *request = bus_request_new (f->peers.core, BUS_PENDING_REPLY, &requester, f->server, topic, G_MAXINT64);
  guint64 route_id = request->route_id;

  g_assert_cmpint (bus_request_class (route_id, 1).credit_class, ==, WIRE_CLASS_CONTROL);
  bus_request_move (f->peers.core, request, other, topic);
  g_assert_cmpuint (request->route_id, ==, route_id);
  f->server->features |= WIRE_FEATURE_TASKS;
  bus_request_move (f->peers.core, request, f->server, topic);
  g_assert_cmpuint (request->route_id, !=, route_id);
  g_assert_cmpint (bus_request_class (request->route_id, 1).credit_class, ==, WIRE_CLASS_MUST_KEEP);
  g_assert_true (bus_request_find (f->peers.core, f->server, request->route_id) == request);
  g_assert_null (bus_request_find (f->peers.core, f->server, route_id));
  bus_request_withdraw (f->peers.core, request);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/request/listed", test_listed);
  ADD ("/core/request/O06-find", test_find);
  ADD ("/core/request/fail", test_fail);
  ADD ("/core/request/moved-class", test_moved_class);
  ADD ("/core/request/I16-requester-disconnects", test_requester_disconnects);
  ADD ("/core/request/I16-responder-disconnects", test_responder_disconnects);
  ADD ("/core/request/deadline", test_deadline);
  ADD ("/core/request/K05-task-stop", test_task_stop);
  ADD ("/core/request/K01-task-ended", test_task_ended);
  ADD ("/core/request/withdraw", test_withdraw);
  ADD ("/core/request/to-itself", test_to_itself);
  ADD ("/core/request/both-disconnect", test_both_disconnect);
  ADD ("/core/request/R06-random-ends", test_random_ends);
  ADD ("/core/request/class", test_class);
  return g_test_run ();
}
