/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-drain.h"

#include "calls/bus-budget.h"
#include "calls/bus-later.h"
#include "queue/bus-flow-credit.h"
#include "route/bus-routes.h"
#include "route/route-fixture.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* Draining: the right to it, the outcome of waiting messages, and the time of the answer. */

typedef Daemoneye__Eventbus__V1__DrainRequest DrainRequest;

#define TOPIC "events.process.new"

typedef struct
{
  Peers peers;
  BusPeer *asker;
  BusPeer *other;
  BusSubscription *own;
  BusSubscription *others;
} Fixture;

/* Two members with a window of one message. */
static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->asker = peers_ready (&f->peers, "asker", 1000);
  f->other = peers_ready (&f->peers, "other", 1000);
  f->own = routes_subscribe (&f->peers, f->asker, 1, "events.#", "workers", 1);
  f->others = routes_subscribe (&f->peers, f->other, 1, "events.#", "workers", 1);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_later_forget_peer (f->asker);
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  routes_teardown (&f->peers, NULL);
}

static void
drain (Fixture *f, DrainRequest request)
{
  const BusCall call
      = { .peer = f->asker, .core = f->peers.core, .id = 55, .request = &request, .now_us = f->peers.core->now_us };
  static char empty[] = "";

  request.peer = request.peer != NULL ? request.peer : empty;
  request.group = request.group != NULL ? request.group : empty;
  bus_drain_answer (&call);
  bus_drain_settle (f->peers.core);
}

#define DRAIN(...)                                                                                                     \
  ((DrainRequest){ .base = PROTOBUF_C_MESSAGE_INIT (&daemoneye__eventbus__v1__drain_request__descriptor), __VA_ARGS__ })

/* Takes the answer, as "status" or as "subscriptions/handed on"; "": none was sent. */
static char *
answer (Fixture *f)
{
  g_autoptr (GPtrArray) frames = peers_take (f->asker);

  for (guint i = 0; i < frames->len; i++)
    {
      const PeerFrame *frame = g_ptr_array_index (frames, i);
      Daemoneye__Eventbus__V1__DrainReply *reply;
      char *text;

      if (frame->envelope.answers != 55)
        continue;
      if (frame->kind == WIRE_KIND_ERROR)
        return g_strdup (wire_status_name (frame->envelope.status));
      reply = daemoneye__eventbus__v1__drain_reply__unpack (NULL, frame->envelope.payload.len,
                                                            frame->envelope.payload.data);
      text = g_strdup_printf ("%u/%" G_GUINT64_FORMAT, reply->subscriptions, reply->handed_on);
      daemoneye__eventbus__v1__drain_reply__free_unpacked (reply, NULL);
      return text;
    }
  return g_strdup ("");
}

static void
assert_answer (Fixture *f, const char *wanted)
{
  g_autofree char *text = answer (f);

  g_assert_cmpstr (text, ==, wanted);
}

/* The client of the member settles all messages that were sent to it. */
static void
settle (Fixture *f, BusSubscription *member)
{
  BusWindow *window = &member->window;

  g_assert_cmpint (bus_window_set_granted (window, window->window_messages + member->delivered,
                                           window->window_bytes + window->used_bytes, member->delivered),
                   ==, BUS_WINDOW_GRANTED);
  bus_flow_credit (&member->owner->flow, member, f->peers.core->now_us);
  bus_drain_settle (f->peers.core);
}

static void
publish (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    routes_publish (&f->peers, NULL, TOPIC, 10);
}

/* A draining member gets no new messages, and its waiting messages are given to the other member. The call is answered when it
 * has settled its sent messages. */
static void
test_drained (Fixture *f, gconstpointer data)
{
  publish (f, 6); /* for each member one is sent and two wait */
  g_assert_cmpuint (f->own->fifo->messages, ==, 2);
  drain (f, DRAIN (.subscription = 1));
  assert_answer (f, "");
  g_assert_cmpuint (f->own->fifo->messages, ==, 0);
  g_assert_cmpuint (f->others->fifo->messages, ==, 4);
  g_assert_cmpuint (f->own->group->rerouted, ==, 2);
  publish (f, 3);
  g_assert_cmpuint (f->own->delivered, ==, 1);
  g_assert_cmpuint (f->others->fifo->messages, ==, 7);
  settle (f, f->own);
  assert_answer (f, "1/2");
  publish (f, 1);
  g_assert_cmpuint (f->own->delivered, ==, 1); /* unchanged */
  drain (f, DRAIN (.subscription = 1, .resume = TRUE));
  assert_answer (f, "1/0");
  publish (f, 1);
  g_assert_cmpuint (f->own->delivered, ==, 2);
}

/* Waiting calls are checked when a member changes, not with every frame of every peer. */
static void
test_unchanged (Fixture *f, gconstpointer data)
{
  publish (f, 4);
  drain (f, DRAIN (.subscription = 1));
  g_assert_false (f->peers.core->routes->drains_due);
  publish (f, 1);
  bus_drain_settle (f->peers.core);
  g_assert_false (f->peers.core->routes->drains_due);
  routes_unsubscribe (&f->peers, f->others, &(BusLeave){ 0 });
  g_assert_false (f->peers.core->routes->drains_due);
  routes_unsubscribe (&f->peers, f->own, &(BusLeave){ 0 });
  g_assert_true (f->peers.core->routes->drains_due);
  bus_drain_settle (f->peers.core);
  assert_answer (f, "1/1");
}

/* If the member has no messages, the call is answered at once. */
static void
test_idle (Fixture *f, gconstpointer data)
{
  drain (f, DRAIN (.group = (char *) (gsize) "workers"));
  assert_answer (f, "1/0");
}

/* Messages that no other member takes stay, and are delivered before the call is answered. Without another member, new messages
 * have no receiver in the group. */
static void
test_last_member (Fixture *f, gconstpointer data)
{
  routes_unsubscribe (&f->peers, f->others, &(BusLeave){ 0 });
  publish (f, 2);
  drain (f, DRAIN (.group = (char *) (gsize) "workers"));
  g_assert_cmpuint (f->own->fifo->messages, ==, 1);
  g_assert_cmpuint (routes_publish (&f->peers, NULL, TOPIC, 10).matched, ==, 0);
  g_assert_cmpuint (routes_broadcast (&f->peers, NULL, TOPIC, 10).matched, ==, 0);
  settle (f, f->own);
  assert_answer (f, "");
  settle (f, f->own);
  assert_answer (f, "1/0");
  g_assert_cmpuint (f->own->delivered, ==, 2);
}

/* All subscriptions of a peer in the group are one member. */
static void
test_whole_member (Fixture *f, gconstpointer data)
{
  BusSubscription *second = routes_subscribe (&f->peers, f->asker, 9, "events.process.#", "workers", 1);
  BusSubscription *elsewhere = routes_subscribe (&f->peers, f->asker, 10, "events.#", "others", 1);

  drain (f, DRAIN (.subscription = 9));
  assert_answer (f, "2/0");
  g_assert_true (!bus_subscription_takes_part (f->own) && !bus_subscription_takes_part (second));
  g_assert_false (!bus_subscription_takes_part (elsewhere));
}

/* A server gets no more requests; another subscription of the peer is not touched. */
static void
test_server (Fixture *f, gconstpointer data)
{
  const BusNeed need = { .len = 10, .lane = WIRE_LANE_CONTROL };
  BusSubscription *server = routes_serve (&f->peers, f->asker, 5, "health.echo");

  g_assert_true (bus_router_pick_server (f->peers.core, wire_span_str ("health.echo"), NULL, &need) == server);
  drain (f, DRAIN (.subscription = 5));
  assert_answer (f, "1/0");
  g_assert_null (bus_router_pick_server (f->peers.core, wire_span_str ("health.echo"), NULL, &need));
  g_assert_null (bus_router_pick_server (f->peers.core, wire_span_str ("health.echo"), f->asker, &need));
  g_assert_false (!bus_subscription_takes_part (f->own));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  routes_subscribe (&f->peers, f->asker, 7, "health.#", NULL, 1);
  drain (f, DRAIN (.resume = FALSE));
  assert_answer (f, "BAD_MESSAGE");
  drain (f, DRAIN (.subscription = 1, .group = (char *) (gsize) "workers"));
  assert_answer (f, "BAD_MESSAGE");
  drain (f, DRAIN (.subscription = 3));
  assert_answer (f, "NOT_SUBSCRIBED");
  drain (f, DRAIN (.subscription = 7)); /* neither a member nor a server */
  assert_answer (f, "NOT_SUBSCRIBED");
  drain (f, DRAIN (.group = (char *) (gsize) "others"));
  assert_answer (f, "NOT_SUBSCRIBED");
}

/* The agent and tools may drain members of other peers. If the member disconnects first, the call ends. */
static void
test_of_another (Fixture *f, gconstpointer data)
{
  const DrainRequest request = DRAIN (.peer = (char *) (gsize) "other", .group = (char *) (gsize) "workers");

  publish (f, 2);
  drain (f, request);
  assert_answer (f, "DENIED");
  f->asker->principal.role = BUS_ROLE_TOOL;
  drain (f, DRAIN (.peer = (char *) (gsize) "nobody", .group = (char *) (gsize) "workers"));
  assert_answer (f, "ABSENT");
  drain (f, request);
  assert_answer (f, "");
  g_assert_true (!bus_subscription_takes_part (f->others));
  settle (f, f->others);
  assert_answer (f, "1/0");
  drain (f, DRAIN (.peer = (char *) (gsize) "other", .group = (char *) (gsize) "workers", .resume = TRUE));
  assert_answer (f, "1/0");
  publish (f, 1);
  drain (f, request);
  assert_answer (f, "");
  routes_disconnect (&f->peers, f->other, NULL);
  bus_drain_settle (f->peers.core);
  assert_answer (f, "RESPONDER_GONE");
  f->asker->principal.role = BUS_ROLE_COLLECTOR;
}

/* The subscription ends before the member has settled all messages: the call is answered, because nothing is awaited. */
static void
test_unsubscribed (Fixture *f, gconstpointer data)
{
  publish (f, 1);
  drain (f, DRAIN (.subscription = 1));
  assert_answer (f, "");
  routes_unsubscribe (&f->peers, f->own, &(BusLeave){ 0 });
  bus_drain_settle (f->peers.core);
  assert_answer (f, "1/0");
}

/* --- notices to the member --- */

/* Takes the notices of the member: "number:left" while it drains, "number:drained", "number:back". */
static char *
notices (BusPeer *member)
{
  g_autoptr (GPtrArray) frames = peers_take (member);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const WireEnvelope *envelope = &((const PeerFrame *) g_ptr_array_index (frames, i))->envelope;

      if (((const PeerFrame *) g_ptr_array_index (frames, i))->kind != WIRE_KIND_ACK || envelope->answers != 0)
        continue;
      if (envelope->status == WIRE_STATUS_OK)
        g_string_append_printf (text, "%u:back ", envelope->subscription);
      else if (envelope->status == WIRE_STATUS_DRAINING && envelope->value == 0)
        g_string_append_printf (text, "%u:drained ", envelope->subscription);
      else if (envelope->status == WIRE_STATUS_DRAINING)
        g_string_append_printf (text, "%u:%" G_GUINT64_FORMAT " ", envelope->subscription, envelope->value);
    }
  return g_string_free (text, FALSE);
}

static void
assert_notices (BusPeer *member, const char *wanted)
{
  g_autofree char *text = notices (member);

  g_assert_cmpstr (text, ==, wanted);
}

/* A tool drains a member: the member is notified at the beginning and at the end, whether or not the tool waits. */
static void
test_noticed (Fixture *f, gconstpointer data)
{
  const DrainRequest request = DRAIN (.peer = (char *) (gsize) "other", .group = (char *) (gsize) "workers");

  f->asker->principal.role = BUS_ROLE_TOOL;
  f->other->features = WIRE_FEATURE_DELIVERY;
  f->own->state = BUS_SUBSCRIPTION_DEMOTED; /* no messages are handed on to this member */
  publish (f, 3);
  g_assert_cmpuint (f->others->fifo->messages, ==, 2);
  drain (f, request);
  assert_notices (f->other, "1:3 ");
  drain (f, request); /* no new notice */
  bus_later_forget_peer (f->asker);
  assert_notices (f->other, "");
  settle (f, f->others);
  assert_notices (f->other, "");
  settle (f, f->others);
  settle (f, f->others);
  assert_notices (f->other, "1:drained ");
  g_assert_cmpint (f->others->state, ==, BUS_SUBSCRIPTION_DRAINED);
  settle (f, f->others);
  drain (f, request);
  assert_notices (f->other, "");
  drain (f, DRAIN (.peer = (char *) (gsize) "other", .group = (char *) (gsize) "workers", .resume = TRUE));
  drain (f, DRAIN (.peer = (char *) (gsize) "other", .group = (char *) (gsize) "workers", .resume = TRUE));
  assert_notices (f->other, "1:back ");
  drain (f, request); /* no state of the first drain is left */
  assert_notices (f->other, "1:drained 1:drained ");
  f->asker->principal.role = BUS_ROLE_COLLECTOR;
}

/* A client without the feature DELIVERY is not sent the notice. */
static void
test_old_member (Fixture *f, gconstpointer data)
{
  f->asker->features = 0;
  publish (f, 1);
  drain (f, DRAIN (.subscription = 1));
  settle (f, f->own);
  g_assert_cmpint (f->own->state, ==, BUS_SUBSCRIPTION_DRAINED);
  assert_notices (f->asker, "");
}

/* No other member takes the waiting message: the draining member gets it, and is drained when it has settled it as well. */
static void
test_lost_meanwhile (Fixture *f, gconstpointer data)
{
  f->asker->features = WIRE_FEATURE_DELIVERY;
  f->others->state = BUS_SUBSCRIPTION_DEMOTED;
  publish (f, 2);
  drain (f, DRAIN (.subscription = 1));
  settle (f, f->own);
  assert_notices (f->asker, "1:2 ");
  g_assert_cmpuint (f->own->fifo->messages, ==, 0);
  settle (f, f->own);
  assert_notices (f->asker, "1:drained ");
}

static void
join (Fixture *f, BusSubscription *subscription)
{
  const BusCall call
      = { .peer = subscription->owner, .core = f->peers.core, .id = 56, .now_us = f->peers.core->now_us };

  bus_drain_joined (&call, subscription);
  bus_drain_settle (f->peers.core);
}

/* A subscription that joins the group after its peer began to drain there drains as well; subscriptions of other peers do
 * not. */
static void
test_joined (Fixture *f, gconstpointer data)
{
  BusSubscription *late, *foreign, *elsewhere;

  f->asker->features = WIRE_FEATURE_DELIVERY;
  publish (f, 1);
  drain (f, DRAIN (.subscription = 1));
  late = routes_subscribe (&f->peers, f->asker, 9, "events.process.#", "workers", 1);
  foreign = routes_subscribe (&f->peers, f->other, 9, "events.process.#", "workers", 1);
  elsewhere = routes_subscribe (&f->peers, f->asker, 10, "events.process.#", "others", 1);
  join (f, late);
  join (f, foreign);
  join (f, elsewhere);
  assert_notices (f->asker, "1:1 9:drained 9:drained ");
  g_assert_true (bus_subscription_takes_part (foreign) && bus_subscription_takes_part (elsewhere));
  publish (f, 2);
  g_assert_cmpuint (late->delivered + f->own->delivered, ==, 1);
  g_assert_cmpuint (elsewhere->delivered, ==, 1);
  drain (f, DRAIN (.subscription = 9, .resume = TRUE));
  g_assert_true (bus_subscription_takes_part (late) && bus_subscription_takes_part (f->own));
  routes_unsubscribe (&f->peers, late, &(BusLeave){ 0 });
  late = routes_subscribe (&f->peers, f->asker, 11, "events.process.#", "workers", 1);
  join (f, late);
  g_assert_true (bus_subscription_takes_part (late));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/drain/M06-drained", test_drained);
  ADD ("/core/drain/unchanged", test_unchanged);
  ADD ("/core/drain/idle", test_idle);
  ADD ("/core/drain/M06-last-member", test_last_member);
  ADD ("/core/drain/whole-member", test_whole_member);
  ADD ("/core/drain/server", test_server);
  ADD ("/core/drain/refused", test_refused);
  ADD ("/core/drain/A08-of-another", test_of_another);
  ADD ("/core/drain/unsubscribed", test_unsubscribed);
  ADD ("/core/drain/K14-noticed", test_noticed);
  ADD ("/core/drain/M30-old-member", test_old_member);
  ADD ("/core/drain/lost-meanwhile", test_lost_meanwhile);
  ADD ("/core/drain/K14-joined", test_joined);
  return g_test_run ();
}
