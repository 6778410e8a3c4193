/* SPDX-License-Identifier: Apache-2.0 */
#include "member-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-token.h"

/* Registered collectors, from the view of the collectors and of the agent: registrations, and the states ready, draining and
 * gone. */

typedef Daemoneye__Eventbus__V1__BarrierReply BarrierReply;
typedef Daemoneye__Eventbus__V1__BarrierRequest BarrierRequest;
typedef Daemoneye__Eventbus__V1__CollectorDrainRequest DrainRequest;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;
typedef Daemoneye__Eventbus__V1__UpdateRequest UpdateRequest;
typedef Daemoneye__Eventbus__V1__VerifyReply VerifyReply;
typedef Daemoneye__Eventbus__V1__VerifyRequest VerifyRequest;

/* --- registration --- */

static void
test_register (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_new (core, "one");
  guint64 id;

  client_subscribe (watcher, 1, "system.collector.+", NULL);
  id = member_enrol (one, "scan");
  g_assert_cmpuint (id, >, 0);
  member_assert_list (watcher, "one=registered");
  member_assert_news (watcher, "one=registered registered(one)");
  member_serve (one);
  member_assert_list (watcher, "one=ready");
  member_assert_news (watcher, "one=ready");
  client_disconnect (one);
  member_assert_list (watcher, "");
  member_assert_news (watcher, "one=gone gone(one)");
}

/* A later subscriber gets the records of the registered collectors. */
static void
test_retained (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  member_ready (core, "two");
  client_subscribe (watcher, 1, "system.collector.+", NULL);
  member_assert_news (watcher, "one=ready two=ready .");
  client_disconnect (one);
  member_assert_news (watcher, "one=gone gone(one)");
  client_subscribe (watcher, 2, "system.collector.+", NULL);
  member_assert_news (watcher, "two=ready .");
}

/* A collector can register only itself, and no other peer can register. */
static void
test_identity (Core *core, gconstpointer data)
{
  Client *one = member_new (core, "one");
  Client *other = member_agent (core);
  RegisterRequest request;
  Operation operation, *operations[1];

  member_fill (&request, one, &operation, operations, "scan");
  request.type = (char *) (gsize) "netmond";
  member_call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_BAD_MESSAGE);
  request.type = one->peer->type;
  request.incarnation++;
  member_call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_BAD_MESSAGE);
  member_fill (&request, other, &operation, operations, "scan");
  member_call (other, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_DENIED);
  member_assert_list (other, "");
}

typedef void (*Spoil) (RegisterRequest *request, Operation *operation);

static void
spoil_name (RegisterRequest *request, Operation *operation)
{
  operation->name = (char *) (gsize) "two.words";
}

static void
spoil_run_limit (RegisterRequest *request, Operation *operation)
{
  operation->run_limit_us = G_MAXUINT64;
}

static void
spoil_progress (RegisterRequest *request, Operation *operation)
{
  operation->progress_us = G_MAXUINT64;
}

static void
spoil_both (RegisterRequest *request, Operation *operation)
{
  operation->progress_us = 1000000;
  operation->without_progress = TRUE;
}

static void
spoil_type (RegisterRequest *request, Operation *operation)
{
  static char text[BUS_CLAIM_TOKEN_MAX * 4];

  memset (text, 'x', 129);
  operation->payload_type = text;
}

static void
spoil_double (RegisterRequest *request, Operation *operation)
{
  static Operation *twice[2];

  twice[0] = twice[1] = operation;
  request->operations = twice;
  request->n_operations = 2;
}

static void
spoil_many (RegisterRequest *request, Operation *operation)
{
  static Operation *many[65];

  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    many[i] = operation;
  request->operations = many;
  request->n_operations = G_N_ELEMENTS (many);
}

static void
spoil_none (RegisterRequest *request, Operation *operation)
{
  request->max_concurrent = 0;
}

static void
spoil_slots (RegisterRequest *request, Operation *operation)
{
  request->max_concurrent = 257;
}

static void
spoil_priorities (RegisterRequest *request, Operation *operation)
{
  static Daemoneye__Eventbus__V1__PriorityRange range;

  daemoneye__eventbus__v1__priority_range__init (&range);
  range.lowest = 9;
  range.highest = 8;
  request->priorities = &range;
}

static void
spoil_tag (RegisterRequest *request, Operation *operation)
{
  static char *tags[] = { (char *) (gsize) "=x" };

  request->tags = tags;
  request->n_tags = 1;
}

static void
spoil_tags (RegisterRequest *request, Operation *operation)
{
  static char *tags[17];

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    tags[i] = (char *) (gsize) "a=b";
  request->tags = tags;
  request->n_tags = G_N_ELEMENTS (tags);
}

static void
spoil_claim (RegisterRequest *request, Operation *operation)
{
  static TaskClaim claim, *claims[] = { &claim };
  static guint8 token[BUS_CLAIM_TOKEN_MAX + 1];

  daemoneye__eventbus__v1__task_claim__init (&claim);
  claim.token = (ProtobufCBinaryData){ sizeof token, token };
  request->running = claims;
  request->n_running = 1;
}

/* A registration that exceeds a bound is refused, and nothing of it is kept. */
static void
test_bounds (Core *core, gconstpointer data)
{
  static const struct
  {
    Spoil spoil;
    WireStatus status;
  } cases[] = {
    { spoil_name, WIRE_STATUS_BAD_MESSAGE },
    { spoil_run_limit, WIRE_STATUS_LIMIT },
    { spoil_progress, WIRE_STATUS_LIMIT },
    { spoil_both, WIRE_STATUS_BAD_MESSAGE },
    { spoil_type, WIRE_STATUS_LIMIT },
    { spoil_double, WIRE_STATUS_BAD_MESSAGE },
    { spoil_many, WIRE_STATUS_LIMIT },
    { spoil_none, WIRE_STATUS_BAD_MESSAGE },
    { spoil_slots, WIRE_STATUS_LIMIT },
    { spoil_tag, WIRE_STATUS_BAD_MESSAGE },
    { spoil_priorities, WIRE_STATUS_BAD_MESSAGE },
    { spoil_tags, WIRE_STATUS_LIMIT },
    { spoil_claim, WIRE_STATUS_BAD_MESSAGE },
  };
  Client *one = member_new (core, "one");
  RegisterRequest request;
  Operation operation, *operations[1];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      member_fill (&request, one, &operation, operations, "scan");
      cases[i].spoil (&request, &operation);
      member_call (one, REGISTERED, "Register", &request.base, NULL, cases[i].status);
      g_assert_null (one->peer->member);
    }
  g_assert_cmpuint (member_enrol (one, "scan"), ==, 1);
}

/* A second registration on a connection replaces the first. */
static void
test_replace (Core *core, gconstpointer data)
{
  Client *one = member_ready (core, "one");
  guint64 first = one->peer->member->registration_id;
  VerifyRequest request = DAEMONEYE__EVENTBUS__V1__VERIFY_REQUEST__INIT;
  VerifyReply *reply;

  g_assert_cmpuint (member_enrol (one, "hash"), ==, first + 1);
  g_assert_null (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  g_assert_cmpuint (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("hash"))->len, ==, 1);
  g_assert_cmpint (one->peer->member->state, ==, BUS_MEMBER_READY);
  for (guint i = 0; i < 2; i++)
    {
      request.registration_id = first + i;
      reply = member_call (one, REGISTERED, "Verify", &request.base, &MSG (verify_reply__descriptor), WIRE_STATUS_OK);
      g_assert_cmpint (reply->is_registered, ==, i == 1);
      g_assert_cmpuint (reply->registration_id, ==, first + 1);
      member_done (reply);
    }
}

/* The answer to the PING of each heartbeat contains the number of the current registration. */
static void
test_ping (Core *core, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__PingRequest request = DAEMONEYE__EVENTBUS__V1__PING_REQUEST__INIT;
  Client *one = member_new (core, "one");

  for (guint i = 0; i < 3; i++)
    {
      const guint64 id = i > 0 ? member_enrol (one, "scan") : 0;
      g_autoptr (Got) got = client_call (one, "control.bus.ping", &request.base, WIRE_STATUS_OK);
      Daemoneye__Eventbus__V1__PingReply *reply
          = MSG (ping_reply__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);

      g_assert_cmpuint (reply->registration_id, ==, id);
      member_done (reply);
    }
}

static void
test_update (Core *core, gconstpointer data)
{
  Client *one = member_new (core, "one");
  UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  Daemoneye__Eventbus__V1__DeregisterRequest end = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  char *tags[] = { (char *) (gsize) "disk=ssd" };

  member_call (one, REGISTERED, "Update", &request.base, NULL, WIRE_STATUS_NOT_SUBSCRIBED);
  member_enrol (one, "scan");
  request.max_concurrent = 7;
  request.change_tags = TRUE;
  request.n_tags = 1;
  request.tags = tags;
  member_done (member_call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  g_assert_cmpuint (one->peer->member->max_concurrent, ==, 7);
  g_assert_cmpuint (one->peer->member->tags->len, ==, 1);
  g_assert_nonnull (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  request = (UpdateRequest) DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  request.change_operations = TRUE;
  member_done (member_call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  g_assert_null (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  member_done (
      member_call (one, REGISTERED, "Deregister", &end.base, &MSG (deregister_reply__descriptor), WIRE_STATUS_OK));
  g_assert_null (one->peer->member);
  member_call (one, REGISTERED, "Deregister", &end.base, NULL, WIRE_STATUS_NOT_SUBSCRIBED);
  member_enrol (one, "scan");
}

/* Claims of an earlier epoch are kept unchanged with the member until their tasks are submitted again. */
static void
test_claims (Core *core, gconstpointer data)
{
  Client *one = member_new (core, "one");
  RegisterRequest request;
  Operation operation, *operations[1];
  TaskClaim running, finished, *claims[] = { &running, &finished };
  guint8 token[BUS_TOKEN_LEN] = { 0 };
  const BusClaim *claim;

  member_fill (&request, one, &operation, operations, "scan");
  daemoneye__eventbus__v1__task_claim__init (&running);
  daemoneye__eventbus__v1__task_claim__init (&finished);
  running.task_id = (char *) (gsize) "t-1";
  running.attempt = 2;
  bus_token_write (token, &(BusTokenParts){ .epoch = 76, .attempt = 2 });
  running.token = (ProtobufCBinaryData){ sizeof token, token };
  finished.task_id = (char *) (gsize) "t-2";
  finished.attempt = 2;
  finished.token = running.token;
  finished.length = 77;
  request.n_running = request.n_finished = 1;
  request.running = claims;
  request.finished = claims + 1;
  member_done (
      member_call (one, REGISTERED, "Register", &request.base, &MSG (register_reply__descriptor), WIRE_STATUS_OK));
  g_assert_cmpuint (one->peer->member->claims->len, ==, 2);
  claim = &g_array_index (one->peer->member->claims, BusClaim, 0);
  g_assert_cmpstr (claim->task_id, ==, "t-1");
  g_assert_cmpuint (claim->attempt, ==, 2);
  g_assert_cmpmem (claim->token, claim->token_len, token, sizeof token);
  g_assert_false (claim->is_finished);
  claim++;
  g_assert_cmpuint (claim->length, ==, 77);
  g_assert_true (claim->is_finished);
}

/* Without the feature the topic is an ordinary one. */
static void
test_without_feature (Core *core, gconstpointer data)
{
  Client *one = member_new (core, "one");
  Client *watcher = member_agent (core);
  RegisterRequest request;
  Operation operation, *operations[1];

  member_fill (&request, one, &operation, operations, "scan");
  one->peer->features &= ~WIRE_FEATURE_TASKS;
  member_call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_NO_RESPONDERS);
  watcher->peer->features &= ~WIRE_FEATURE_TASKS;
  member_call (watcher, "control.bus.collectors", "List", &request.base, NULL, WIRE_STATUS_UNSUPPORTED);
  client_serve (watcher, 1, REGISTERED);
  member_ask (one, REGISTERED, "Register", &request.base, 0);
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_REQUEST), ==, 1);
}

/* --- list --- */

static void
test_list (Core *core, gconstpointer data)
{
  CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");
  g_autofree char *first = NULL, *second = NULL, *cursor = NULL, *scan = NULL, *state = NULL, *tagged = NULL,
                  *own = NULL;
  char *tags[] = { (char *) (gsize) "a=b" };

  member_enrol (member_new (core, "four"), "hash");
  member_ready (core, "two");
  request.limit = 2;
  first = member_list_with (watcher, &request, &cursor);
  g_assert_cmpstr (first, ==, "four=registered one=ready");
  g_assert_cmpstr (cursor, ==, "one");
  request.cursor = cursor;
  g_clear_pointer (&first, g_free);
  g_autofree char *end = NULL;
  second = member_list_with (watcher, &request, &end);
  g_assert_cmpstr (second, ==, "two=ready");
  g_assert_cmpstr (end, ==, "");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.operation = (char *) (gsize) "scan";
  scan = member_list_with (watcher, &request, NULL);
  g_assert_cmpstr (scan, ==, "one=ready two=ready");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.state = DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_REGISTERED;
  state = member_list_with (watcher, &request, NULL);
  g_assert_cmpstr (state, ==, "four=registered");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.n_tags = 1;
  request.tags = tags;
  tagged = member_list_with (watcher, &request, NULL);
  g_assert_cmpstr (tagged, ==, "");
  own = member_list (one);
  g_assert_cmpstr (own, ==, "one=ready");
}

/* --- drain --- */

static void
test_drain (Core *core, gconstpointer data)
{
  DrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");
  Daemoneye__Eventbus__V1__CollectorLifecycle *lifecycle;
  g_autoptr (Got) got = NULL;

  client_subscribe (one, 5, "control.collector.lifecycle", NULL);
  client_subscribe (watcher, 1, "system.collector.draining", NULL);
  request.id = (char *) (gsize) "nobody";
  member_call (watcher, "control.bus.collectors", "Drain", &request.base, NULL, WIRE_STATUS_ABSENT);
  request.id = (char *) (gsize) "one";
  member_call (one, "control.bus.collectors", "Drain", &request.base, NULL, WIRE_STATUS_DENIED);
  request.grace_us = 9 * SECOND;
  member_done (member_call (watcher, "control.bus.collectors", "Drain", &request.base,
                            &MSG (collector_drain_reply__descriptor), WIRE_STATUS_OK));
  member_assert_list (watcher, "one=draining");
  member_assert_news (watcher, "draining(one)");
  got = client_take (one, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_true (wire_span_equal (got->envelope.sender, WIRE_SPAN_LITERAL ("bus")));
  lifecycle = MSG (collector_lifecycle__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpint (lifecycle->action, ==, DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_DRAIN);
  g_assert_cmpuint (lifecycle->grace_us, ==, 9 * SECOND);
  member_done (lifecycle);
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 9 * SECOND);
  core_advance (core, SECOND); /* a second call does not move the end */
  member_done (member_call (watcher, "control.bus.collectors", "Drain", &request.base,
                            &MSG (collector_drain_reply__descriptor), WIRE_STATUS_OK));
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 8 * SECOND);
  member_enrol (one, "scan");
  member_assert_list (watcher, "one=ready");
}

static void
test_drain_self (Core *core, gconstpointer data)
{
  UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  Client *one = member_ready (core, "one");

  client_subscribe (one, 5, "control.collector.lifecycle", NULL);
  request.draining = TRUE;
  member_done (member_call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  member_assert_list (one, "one=draining");
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 30 * SECOND);
  g_assert_null (client_take (one, WIRE_KIND_DELIVER));
}

/* An announced end does not count as a death. */
static void
test_deaths (Core *core, gconstpointer data)
{
  DrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  Client *watcher = member_agent (core);
  Client *one = member_ready (core, "one");

  client_disconnect (one);
  one = member_ready (core, "one");
  g_assert_cmpuint (one->peer->member->past->deaths, ==, 0); /* the same incarnation has reconnected */
  client_disconnect (one);
  core_advance (core, 3 * SECOND);
  one = member_ready (core, "one");
  g_assert_cmpuint (one->peer->member->past->deaths, ==, 1);
  request.id = (char *) (gsize) "one";
  request.expect_exit = TRUE;
  member_done (member_call (watcher, "control.bus.collectors", "Drain", &request.base,
                            &MSG (collector_drain_reply__descriptor), WIRE_STATUS_OK));
  client_disconnect (one);
  core_advance (core, 3 * SECOND);
  g_assert_cmpuint (member_ready (core, "one")->peer->member->past->deaths, ==, 1);
}

/* --- barrier --- */

static guint64
barrier (Client *client, gint64 deadline_us)
{
  BarrierRequest request = DAEMONEYE__EVENTBUS__V1__BARRIER_REQUEST__INIT;
  char *expected[] = { (char *) (gsize) "one", (char *) (gsize) "two" };

  request.n_expected = 2;
  request.expected = expected;
  return member_ask (client, "control.bus.collectors", "Barrier", &request.base, (guint64) deadline_us);
}

/* Returns the missing ids in the answer to @id; "nothing": there is no answer yet. */
static char *
take_missing (Client *client, guint64 id)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_REPLY);
  BarrierReply *reply;
  GString *text;

  if (got == NULL)
    return g_strdup ("nothing");
  g_assert_cmpuint (got->envelope.answers, ==, id);
  reply = MSG (barrier_reply__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  text = g_string_new (NULL);
  for (gsize i = 0; i < reply->n_missing; i++)
    g_string_append (text, reply->missing[i]);
  member_done (reply);
  return g_string_free (text, FALSE);
}

#define assert_missing(client, id, expected)                                                                           \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *missing = take_missing (client, id);                                                            \
      g_assert_cmpstr (missing, ==, expected);                                                                         \
    }                                                                                                                  \
  while (0)

static void
test_barrier (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  guint64 id = barrier (watcher, 60 * SECOND);
  Client *two;

  assert_missing (watcher, id, "nothing");
  member_ready (core, "one");
  assert_missing (watcher, id, "nothing");
  two = member_new (core, "two");
  member_enrol (two, "scan");
  assert_missing (watcher, id, "nothing");
  member_serve (two);
  assert_missing (watcher, id, "");
  id = barrier (watcher, 60 * SECOND);
  assert_missing (watcher, id, ""); /* at once */
}

static void
test_barrier_due (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  guint64 id = barrier (watcher, 3 * SECOND);

  member_ready (core, "two");
  core_advance (core, 3 * SECOND);
  assert_missing (watcher, id, "one");
}

/* A call can end by CANCEL and by the end of the connection (core_teardown() asserts that nothing is left). */
static void
test_barrier_ends (Core *core, gconstpointer data)
{
  Client *watcher = member_agent (core);
  guint64 id = barrier (watcher, 0);
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.id = id;
  client_send (watcher, WIRE_KIND_CANCEL, 0, &cancel);
  g_assert_cmpuint (core->core->work->barriers.length, ==, 0);
  barrier (watcher, 0);
  member_ready (core, "one");
  member_ready (core, "two");
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_REPLY), ==, 1);
  barrier (member_new (core, "three"), 0);
  g_assert_cmpuint (core->core->work->barriers.length, ==, 0);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/collectors/M09-register", test_register);
  ADD ("/core/collectors/M09-retained", test_retained);
  ADD ("/core/collectors/M09-identity", test_identity);
  ADD ("/core/collectors/M09-bounds", test_bounds);
  ADD ("/core/collectors/M09-replace", test_replace);
  ADD ("/core/collectors/M09-ping", test_ping);
  ADD ("/core/collectors/M09-update", test_update);
  ADD ("/core/collectors/M09-claims", test_claims);
  ADD ("/core/collectors/M09-without-feature", test_without_feature);
  ADD ("/core/collectors/M10-list", test_list);
  ADD ("/core/collectors/K14-drain", test_drain);
  ADD ("/core/collectors/K14-drain-self", test_drain_self);
  ADD ("/core/collectors/K01-deaths", test_deaths);
  ADD ("/core/collectors/M09-barrier", test_barrier);
  ADD ("/core/collectors/M09-barrier-due", test_barrier_due);
  ADD ("/core/collectors/I16-barrier-ends", test_barrier_ends);
  return g_test_run ();
}
