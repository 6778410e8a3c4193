/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-subscribe.h"

#include "calls/bus-budget.h"
#include "route/route-fixture.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* The methods subscribe, adjust and unsubscribe: a refused call has no effect, and a successful answer has the actual values. */

typedef Daemoneye__Eventbus__V1__AdjustReply AdjustReply;
typedef Daemoneye__Eventbus__V1__AdjustRequest AdjustRequest;
typedef Daemoneye__Eventbus__V1__SubscribeReply SubscribeReply;
typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;
typedef Daemoneye__Eventbus__V1__UnsubscribeReply UnsubscribeReply;
typedef Daemoneye__Eventbus__V1__UnsubscribeRequest UnsubscribeRequest;

typedef struct
{
  Peers peers;
  BusPeer *asker;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->asker = peers_ready (&f->peers, "asker", 1000);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  routes_teardown (&f->peers, NULL);
}

/* Finds the only frame that answers the call; deliveries and gaps may have been sent as well. */
static const PeerFrame *
find_answer (const GPtrArray *frames)
{
  const PeerFrame *found = NULL;

  for (guint i = 0; i < frames->len; i++)
    {
      const PeerFrame *frame = g_ptr_array_index (frames, i);

      if (frame->envelope.answers != 55)
        continue;
      g_assert_null (found);
      found = frame;
    }
  g_assert_nonnull (found);
  return found;
}

/* Calls a method, and unpacks its only reply. NULL: the answer was an ERROR; asserts the status. */
static gpointer
call (Fixture *f,
      BusPeer *asker,
      void (*answer) (const BusCall *call),
      gconstpointer request,
      const ProtobufCMessageDescriptor *type,
      WireStatus status)
{
  const BusCall made = { .peer = asker,
                         .core = f->peers.core,
                         .id = 55,
                         .request = request,
                         .accept_seq = 66,
                         .now_us = f->peers.core->now_us };
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  gpointer reply;

  answer (&made);
  frames = peers_take (asker);
  frame = find_answer (frames);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  g_assert_cmpuint (frame->kind, ==, status == WIRE_STATUS_OK ? WIRE_KIND_REPLY : WIRE_KIND_ERROR);
  if (status != WIRE_STATUS_OK)
    return NULL;
  reply = protobuf_c_message_unpack (type, NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (reply);
  return reply;
}

static SubscribeReply *
subscribe (Fixture *f, const SubscribeRequest *request, WireStatus status)
{
  guint n = f->peers.core->routes->n_subscriptions;
  SubscribeReply *reply = call (f, f->asker, bus_subscribe_answer, request,
                                &daemoneye__eventbus__v1__subscribe_reply__descriptor, status);

  g_assert_cmpuint (f->peers.core->routes->n_subscriptions, ==, n + (reply != NULL ? 1 : 0));
  return reply;
}

static void
reply_free (gpointer reply)
{
  protobuf_c_message_free_unpacked (reply, NULL);
}

static SubscribeRequest
request_of (guint32 id, const char *pattern)
{
  SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;

  request.subscription = id;
  request.pattern = (char *) (gsize) pattern;
  return request;
}

static BusSubscription *
find (Fixture *f, guint32 id)
{
  return bus_subscriptions_find (&f->asker->subscriptions, id);
}

/* --- subscribe --- */

/* Serving a topic needs a separate right, which the right to subscribe to it does not include. */
static void
test_rights (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *topic;
    WireStatus subscribe;
    WireStatus serve;
  } cases[] = {
    { "events.process.lifecycle", WIRE_STATUS_OK, WIRE_STATUS_DENIED },
    { "results.procmond", WIRE_STATUS_OK, WIRE_STATUS_DENIED },
    { "control.shutdown", WIRE_STATUS_OK, WIRE_STATUS_DENIED },
    { "control.agent.policy", WIRE_STATUS_DENIED, WIRE_STATUS_DENIED },
    { "control.collector.registration", WIRE_STATUS_DENIED, WIRE_STATUS_DENIED },
    { "control.collector.other", WIRE_STATUS_DENIED, WIRE_STATUS_DENIED },
    { "control.collector.asker", WIRE_STATUS_OK, WIRE_STATUS_OK },
    { "tasks.procmond", WIRE_STATUS_OK, WIRE_STATUS_OK },
    { "health.status", WIRE_STATUS_OK, WIRE_STATUS_OK },
  };

  for (guint32 i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SubscribeRequest request = request_of (2 * i + 1, cases[i].topic);

      g_test_message ("%s", cases[i].topic);
      request.policy = BUS_OVERFLOW_ERROR; /* the policy block needs a separate right */
      reply_free (subscribe (f, &request, cases[i].subscribe));
      request.subscription++;
      request.serve = TRUE;
      reply_free (subscribe (f, &request, cases[i].serve));
    }
}

/* Zeros request the broker's defaults; the answer contains the actual values. */
static void
test_defaults (Fixture *f, gconstpointer data)
{
  const SubscribeRequest request = request_of (3, "health.#");
  const BusLimits *limits = &f->peers.core->limits;
  SubscribeReply *reply = subscribe (f, &request, WIRE_STATUS_OK);
  const BusSubscription *made = find (f, 3);

  g_assert_cmpuint (reply->accept_seq, ==, 66);
  g_assert_cmpuint (reply->window_messages, ==, limits->receive_window_messages);
  g_assert_cmpuint (reply->window_bytes, ==, limits->receive_window_bytes);
  g_assert_cmpuint (reply->policy, ==, BUS_OVERFLOW_CONFLATE);
  g_assert_cmpuint (reply->queue_messages, ==, limits->subscription_queue_messages);
  g_assert_cmpuint (reply->queue_bytes, ==, limits->subscription_queue_bytes);
  g_assert_nonnull (made);
  g_assert_true (wire_span_equal (bus_subscription_pattern (made), wire_span_str ("health.#")));
  g_assert_cmpint (made->bounds.policy, ==, BUS_OVERFLOW_CONFLATE);
  g_assert_cmpuint (made->window.window_messages, ==, limits->receive_window_messages);
  reply_free (reply);
}

static void
test_asked_for (Fixture *f, gconstpointer data)
{
  SubscribeRequest request = request_of (3, "events.#");
  SubscribeReply *reply;

  request.policy = BUS_OVERFLOW_ERROR;
  request.window_messages = 5;
  request.window_bytes = 5000;
  request.queue_messages = 6;
  request.queue_bytes = 6000;
  reply = subscribe (f, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->policy, ==, BUS_OVERFLOW_ERROR);
  g_assert_cmpuint (reply->window_messages, ==, 5);
  g_assert_cmpuint (reply->window_bytes, ==, 5000);
  g_assert_cmpuint (reply->queue_messages, ==, 6);
  g_assert_cmpuint (reply->queue_bytes, ==, 6000);
  g_assert_cmpuint (find (f, 3)->bounds.messages, ==, 6);
  reply_free (reply);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  const SubscribeRequest good = request_of (3, "events.#");
  SubscribeRequest request = good;

  reply_free (subscribe (f, &good, WIRE_STATUS_OK));
  subscribe (f, &good, WIRE_STATUS_DUPLICATE_ID);

#define REFUSED(want, ...)                                                                                             \
  request = request_of (4, "events.#");                                                                                \
  __VA_ARGS__;                                                                                                         \
  subscribe (f, &request, want)

  REFUSED (WIRE_STATUS_BAD_MESSAGE, request.subscription = 0);
  REFUSED (WIRE_STATUS_BAD_PATTERN, request.group = (char *) (gsize) "a.b");
  REFUSED (WIRE_STATUS_BAD_PATTERN, request.serve = TRUE); /* a served topic has no wildcards */
  REFUSED (WIRE_STATUS_DENIED, request.pattern = (char *) (gsize) "system.drop");
  REFUSED (WIRE_STATUS_UNSUPPORTED, request.policy = BUS_OVERFLOW_LAST + 1);
  REFUSED (WIRE_STATUS_DENIED, request.policy = BUS_OVERFLOW_BLOCK); /* a right that the peer does not have */
  REFUSED (WIRE_STATUS_LIMIT,
           request.window_messages = bus_limit_spec (BUS_LIMIT_receive_window_messages)->ceiling + 1);
  REFUSED (WIRE_STATUS_LIMIT, request.window_bytes = bus_limit_spec (BUS_LIMIT_receive_window_bytes)->ceiling + 1);
  /* These would be small numbers in 32 bits. */
  REFUSED (WIRE_STATUS_LIMIT, request.window_messages = (guint64) G_MAXUINT32 + 2);
  REFUSED (WIRE_STATUS_LIMIT, request.window_bytes = (guint64) G_MAXUINT32 + 2);
  REFUSED (WIRE_STATUS_LIMIT, request.queue_messages = (guint64) G_MAXUINT32 + 2);
  REFUSED (WIRE_STATUS_LIMIT, request.queue_bytes = bus_limit_spec (BUS_LIMIT_subscription_queue_bytes)->ceiling + 1);
  REFUSED (WIRE_STATUS_BAD_MESSAGE, request.methods = TRUE);
  REFUSED (WIRE_STATUS_BAD_MESSAGE, request.serve = TRUE, request.pattern = (char *) (gsize) "tasks.procmond",
           request.policy = BUS_OVERFLOW_CONFLATE);
#undef REFUSED
}

/* The number of a peer's subscriptions is bounded; one that has ended makes room for another. */
static void
test_bound (Fixture *f, gconstpointer data)
{
  UnsubscribeRequest ended = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  SubscribeRequest request = request_of (9, "events.#");

  f->peers.core->limits.max_subscriptions = 2;
  for (guint i = 0; i < 2; i++)
    {
      const SubscribeRequest one = request_of (i + 1, "events.#");

      reply_free (subscribe (f, &one, WIRE_STATUS_OK));
    }
  subscribe (f, &request, WIRE_STATUS_LIMIT);
  ended.subscription = 1;
  reply_free (call (f, f->asker, bus_subscribe_end, &ended, &daemoneye__eventbus__v1__unsubscribe_reply__descriptor,
                    WIRE_STATUS_OK));
  reply_free (subscribe (f, &request, WIRE_STATUS_OK));
}

/* A group has the policy and bounds of its first member; a later member must not request another policy. */
static void
test_group (Fixture *f, gconstpointer data)
{
  SubscribeRequest request = request_of (1, "events.#");
  SubscribeReply *reply;

  request.group = (char *) (gsize) "workers";
  request.policy = BUS_OVERFLOW_DROP_NEWEST;
  request.queue_messages = 5;
  reply_free (subscribe (f, &request, WIRE_STATUS_OK));
  request.subscription = 2;
  request.policy = BUS_OVERFLOW_ERROR;
  subscribe (f, &request, WIRE_STATUS_UNSUPPORTED);
  request.policy = BUS_OVERFLOW_DEFAULT;
  request.queue_messages = 9;
  reply = subscribe (f, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->policy, ==, BUS_OVERFLOW_DROP_NEWEST);
  g_assert_cmpuint (reply->queue_messages, ==, 5);
  reply_free (reply);
}

/* --- adjust --- */

static AdjustReply *
adjust (Fixture *f, const AdjustRequest *request, WireStatus status)
{
  return call (f, f->asker, bus_subscribe_adjust, request, &daemoneye__eventbus__v1__adjust_reply__descriptor, status);
}

/* Bounds that the request does not contain are unchanged. Waiting messages above the new bounds are dropped and counted. */
static void
test_adjust (Fixture *f, gconstpointer data)
{
  AdjustRequest request = DAEMONEYE__EVENTBUS__V1__ADJUST_REQUEST__INIT;
  BusSubscription *subscription = routes_subscribe (&f->peers, f->asker, 3, "events.#", NULL, 1);
  guint64 bytes = subscription->bounds.bytes;
  AdjustReply *reply;

  for (guint i = 0; i < 6; i++)
    routes_publish (&f->peers, NULL, "events.process.new", 10);
  request.subscription = 3;
  request.queue_messages = 2;
  reply = adjust (f, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->policy, ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (reply->queue_messages, ==, 2);
  g_assert_cmpuint (reply->queue_bytes, ==, bytes);
  g_assert_cmpuint (reply->dropped, ==, 3);
  g_assert_cmpuint (subscription->fifo->messages, ==, 2);
  g_assert_cmpuint (subscription->extra->missed, ==, 3);
  reply_free (reply);

  request.queue_messages = 0;
  request.policy = BUS_OVERFLOW_DROP_NEWEST;
  reply = adjust (f, &request, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->queue_messages, ==, 2);
  g_assert_cmpint (subscription->bounds.policy, ==, BUS_OVERFLOW_DROP_NEWEST);
  g_assert_cmpuint (reply->dropped, ==, 0);
  reply_free (reply);

  request.policy = BUS_OVERFLOW_BLOCK;
  adjust (f, &request, WIRE_STATUS_DENIED);
  g_assert_cmpint (subscription->bounds.policy, ==, BUS_OVERFLOW_DROP_NEWEST);
}

/* Adjusting a member of a group changes all members. A subscription that serves cannot be adjusted. */
static void
test_adjust_group (Fixture *f, gconstpointer data)
{
  AdjustRequest request = DAEMONEYE__EVENTBUS__V1__ADJUST_REQUEST__INIT;
  BusPeer *other = peers_ready (&f->peers, "other", 1000);
  BusSubscription *member = routes_subscribe (&f->peers, other, 1, "events.#", "workers", 1);

  routes_subscribe (&f->peers, f->asker, 3, "events.#", "workers", 1);
  routes_serve (&f->peers, f->asker, 4, "tasks.procmond");
  request.subscription = 3;
  request.queue_messages = 7;
  adjust (f, &request, WIRE_STATUS_DENIED); /* there are other members */
  f->asker->principal.role = BUS_ROLE_TOOL;
  reply_free (adjust (f, &request, WIRE_STATUS_OK));
  f->asker->principal.role = BUS_ROLE_COLLECTOR;
  g_assert_cmpuint (member->bounds.messages, ==, 7);
  g_assert_cmpuint (member->group->bounds.messages, ==, 7);
  g_assert_cmpuint (find (f, 3)->bounds.messages, ==, 7);
  request.subscription = 4;
  adjust (f, &request, WIRE_STATUS_UNSUPPORTED);
  request.subscription = 5;
  adjust (f, &request, WIRE_STATUS_NOT_SUBSCRIBED);
}

/* --- unsubscribe --- */

/* The counts in the answer add up to the number of offered messages. */
static void
test_unsubscribe (Fixture *f, gconstpointer data)
{
  UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  BusSubscription *subscription = routes_subscribe (&f->peers, f->asker, 3, "events.#", NULL, 2);
  const ProtobufCMessageDescriptor *type = &daemoneye__eventbus__v1__unsubscribe_reply__descriptor;
  UnsubscribeReply *reply;

  subscription->bounds.messages = 3;
  for (guint i = 0; i < 9; i++)
    routes_publish (&f->peers, NULL, "events.process.new", 10);
  request.subscription = 3;
  reply = call (f, f->asker, bus_subscribe_end, &request, type, WIRE_STATUS_OK);
  g_assert_cmpuint (reply->delivered, ==, 2);
  g_assert_cmpuint (reply->discarded, ==, 3);
  g_assert_cmpuint (reply->missed, ==, 4);
  reply_free (reply);
  g_assert_null (find (f, 3));
  g_assert_cmpuint (f->peers.core->routes->n_subscriptions, ==, 0);
  call (f, f->asker, bus_subscribe_end, &request, type, WIRE_STATUS_NOT_SUBSCRIBED);
}

typedef Daemoneye__Eventbus__V1__Filter Filter;

/* A filter has the requested values and is charged. It is refused without the feature, in a group and with serve. */
static void
test_filter (Fixture *f, gconstpointer data)
{
  Filter filter = DAEMONEYE__EVENTBUS__V1__FILTER__INIT;
  SubscribeRequest request = request_of (3, "events.#");
  char root[] = "r", stage[] = "s", tag[] = "k=v", group[] = "workers";
  char *tags[] = { tag };
  const BusSubscription *made;

  request.filter = &filter;
  reply_free (subscribe (f, &request, WIRE_STATUS_UNSUPPORTED));
  f->asker->features |= WIRE_FEATURE_DELIVERY;
  reply_free (subscribe (f, &request, WIRE_STATUS_OK));
  g_assert_null (find (f, 3)->filter); /* an empty filter counts as none */
  request.subscription = 4;
  filter.root_id = root;
  filter.stage = stage;
  filter.tags = tags;
  filter.n_tags = 1;
  reply_free (subscribe (f, &request, WIRE_STATUS_OK));
  made = find (f, 4);
  g_assert_nonnull (made->filter);
  g_assert_cmpuint (bus_subscription_charge (made), ==,
                    bus_subscription_charge (find (f, 3)) + bus_filter_size (made->filter));
  g_assert_true (wire_span_equal (made->filter->root_id, wire_span_str ("r")));
  g_assert_true (wire_span_equal (made->filter->stage, wire_span_str ("s")));
  g_assert_true (wire_span_equal (made->filter->tags[0], wire_span_str ("k=v")));

  request.subscription = 5;
  request.group = group;
  reply_free (subscribe (f, &request, WIRE_STATUS_BAD_MESSAGE));
  request.group[0] = '\0';
  request.pattern = (char *) (gsize) "health.status";
  request.serve = TRUE;
  reply_free (subscribe (f, &request, WIRE_STATUS_BAD_MESSAGE));
}

static void
test_filter_bounds (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (WIRE_ID_MAX + 1, 'x');
  Filter filter = DAEMONEYE__EVENTBUS__V1__FILTER__INIT;
  SubscribeRequest request = request_of (3, "events.#");
  char none[] = "";
  char *tags[BUS_FILTER_TAGS_MAX + 1];

  f->asker->features |= WIRE_FEATURE_DELIVERY;
  request.filter = &filter;
  filter.correlation_id = text;
  reply_free (subscribe (f, &request, WIRE_STATUS_LIMIT));
  filter.correlation_id = text + 1;
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    tags[i] = text + WIRE_TAG_KEY_MAX;
  filter.tags = tags;
  filter.n_tags = G_N_ELEMENTS (tags);
  reply_free (subscribe (f, &request, WIRE_STATUS_LIMIT));
  filter.n_tags--;
  reply_free (subscribe (f, &request, WIRE_STATUS_OK));
  tags[2] = none;
  request.subscription = 4;
  reply_free (subscribe (f, &request, WIRE_STATUS_BAD_MESSAGE));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/subscribe/A08-rights", test_rights);
  ADD ("/core/subscribe/M03-defaults", test_defaults);
  ADD ("/core/subscribe/asked-for", test_asked_for);
  ADD ("/core/subscribe/M18-refused", test_refused);
  ADD ("/core/subscribe/R03-bound", test_bound);
  ADD ("/core/subscribe/M06-group", test_group);
  ADD ("/core/subscribe/B08-adjust", test_adjust);
  ADD ("/core/subscribe/B08-adjust-group", test_adjust_group);
  ADD ("/core/subscribe/I06-unsubscribe", test_unsubscribe);
  ADD ("/core/subscribe/M24-filter", test_filter);
  ADD ("/core/subscribe/M24-filter-bounds", test_filter_bounds);
  return g_test_run ();
}
