/* SPDX-License-Identifier: Apache-2.0 */
#include "coordination.pb-c.h"
#include "core-fixture.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"
#include "work/bus-membership.h"
#include "work/bus-token.h"
#include "work/bus-trust.h"

/* Registered collectors, as they and the agent see them: what is registered, who is ready, who is set aside and who is gone. */

#define MSG(name)  daemoneye__eventbus__v1__##name
#define SECOND     G_TIME_SPAN_SECOND
#define REGISTERED "control.collector.registration"

typedef Daemoneye__Eventbus__V1__BarrierReply BarrierReply;
typedef Daemoneye__Eventbus__V1__BarrierRequest BarrierRequest;
typedef Daemoneye__Eventbus__V1__CollectorDrainRequest DrainRequest;
typedef Daemoneye__Eventbus__V1__CollectorEvent CollectorEvent;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;
typedef Daemoneye__Eventbus__V1__CollectorsReply CollectorsReply;
typedef Daemoneye__Eventbus__V1__CollectorsRequest CollectorsRequest;
typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__RegisterReply RegisterReply;
typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;
typedef Daemoneye__Eventbus__V1__UpdateRequest UpdateRequest;
typedef Daemoneye__Eventbus__V1__VerifyReply VerifyReply;
typedef Daemoneye__Eventbus__V1__VerifyRequest VerifyRequest;

/* --- calls --- */

static guint64
ask (Client *client, const char *topic, const char *method, const ProtobufCMessage *request, guint64 deadline_us)
{
  g_autofree guint8 *payload = g_malloc (protobuf_c_message_get_packed_size (request) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.method = wire_span_str (method);
  envelope.deadline_us = deadline_us;
  envelope.payload = wire_span (payload, protobuf_c_message_pack (request, payload));
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

/* The reply, unpacked; or asserts the ERROR, and returns NULL. */
static gpointer
call (Client *client,
      const char *topic,
      const char *method,
      const ProtobufCMessage *request,
      const ProtobufCMessageDescriptor *type,
      WireStatus want)
{
  guint64 id = ask (client, topic, method, request, 0);
  g_autoptr (Got) got = NULL;

  if (want != WIRE_STATUS_OK)
    {
      client_expect_error (client, id, want);
      return NULL;
    }
  got = client_take (client, WIRE_KIND_REPLY);
  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  return protobuf_c_message_unpack (type, NULL, got->envelope.payload.len, got->envelope.payload.data);
}

static void
done (gpointer message)
{
  protobuf_c_message_free_unpacked (message, NULL);
}

static Client *
collector (Core *core, const char *id)
{
  Client *client = client_ready (core, id, "procmond");

  client->peer->features |= WIRE_FEATURE_TASKS;
  return client;
}

static Client *
agent (Core *core)
{
  Client *client = agent_ready (core);

  client->peer->features |= WIRE_FEATURE_TASKS | WIRE_FEATURE_RETAIN;
  return client;
}

/* What every test begins with: one operation, two slots. */
static void
fill (RegisterRequest *request, Client *client, Operation *operation, Operation **list, const char *name)
{
  MSG (register_request__init) (request);
  MSG (operation__init) (operation);
  operation->name = (char *) (gsize) name;
  list[0] = operation;
  request->type = client->peer->type;
  request->incarnation = client->peer->incarnation;
  request->n_operations = 1;
  request->operations = list;
  request->max_concurrent = 2;
}

static guint64
enrol (Client *client, const char *operation_name)
{
  RegisterRequest request;
  Operation operation, *operations[1];
  RegisterReply *reply;
  guint64 id;

  fill (&request, client, &operation, operations, operation_name);
  reply = call (client, REGISTERED, "Register", &request.base, &MSG (register_reply__descriptor), WIRE_STATUS_OK);
  id = reply->registration_id;
  done (reply);
  return id;
}

static void
serve (Client *client)
{
  g_autofree char *topic = g_strconcat ("control.collector.task.procmond.", client->peer->id, NULL);

  client_serve (client, 99, topic);
}

static Client *
ready (Core *core, const char *id)
{
  Client *client = collector (core, id);

  enrol (client, "scan");
  serve (client);
  return client;
}

/* The collectors that match, as text: "a=ready b=suspect". */
static char *
list_with (Client *client, CollectorsRequest *request, char **cursor)
{
  CollectorsReply *reply = call (client, "control.bus.collectors", "List", &request->base,
                                 &MSG (collectors_reply__descriptor), WIRE_STATUS_OK);
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < reply->n_collectors; i++)
    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", reply->collectors[i]->id,
                            bus_member_state_name ((BusMemberState) (reply->collectors[i]->state - 1)));
  if (cursor != NULL)
    *cursor = g_strdup (reply->next_cursor);
  done (reply);
  return g_strdup (text->str);
}

static char *
list (Client *client)
{
  CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;

  return list_with (client, &request, NULL);
}

#define assert_list(client, expected)                                                                                  \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *listed = list (client);                                                                         \
      g_assert_cmpstr (listed, ==, expected);                                                                          \
    }                                                                                                                  \
  while (0)

static void
write_news (GString *text, const Got *got)
{
  g_autofree char *topic = g_strndup ((const char *) got->envelope.topic.data, got->envelope.topic.len);
  const char *word = strrchr (topic, '.') + 1;
  gboolean is_event
      = wire_span_equal (got->envelope.type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.CollectorEvent"));
  CollectorEvent *event = NULL;
  CollectorRecord *record = NULL;

  if (is_event)
    event = MSG (collector_event__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  else
    record = MSG (collector_record__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  if (is_event)
    g_string_append_printf (text, "%s(%s) ", word, event->collector->id);
  else
    g_string_append_printf (text, "%s=%s ", word, bus_member_state_name ((BusMemberState) (record->state - 1)));
  done (is_event ? (gpointer) event : (gpointer) record);
}

/* The messages on system.collector.# that came, by topic: "registered(a) a=ready"; "." is the end of the retained ones. */
static char *
take_news (Client *client)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Got *got;

  core_flush (client->core);
  while ((got = client_take (client, WIRE_KIND_DELIVER)) != NULL)
    {
      if (got->envelope.retained && got->envelope.topic.len == 0)
        g_string_append (text, ". ");
      else
        write_news (text, got);
      got_free (got);
    }
  g_string_truncate (text, text->len > 0 ? text->len - 1 : 0);
  return g_strdup (text->str);
}

#define assert_news(client, expected)                                                                                  \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *news = take_news (client);                                                                      \
      g_assert_cmpstr (news, ==, expected);                                                                            \
    }                                                                                                                  \
  while (0)

static BusMember *
member_of (Core *core, const char *id)
{
  return bus_registry_find (core->core->work, wire_span_str (id));
}

/* A failure, as the leases report it. */
static void
strike (Core *core, const char *id)
{
  bus_trust_strike (core->core, member_of (core, id), "it did not answer");
  core_advance (core, 1000);
}

/* Frames of everybody but @silent, in time for their heartbeats. */
static void
pass_time (Core *core, gint64 us, Client *silent)
{
  for (; us > 0; us -= 2 * SECOND)
    {
      core_advance (core, MIN (us, 2 * SECOND));
      for (guint i = 0; i < core->clients->len; i++)
        {
          Client *client = g_ptr_array_index (core->clients, i);
          WireEnvelope ping;

          if (client == silent || client->closed)
            continue;
          wire_envelope_init (&ping);
          ping.id = 7;
          client_send (client, WIRE_KIND_PING, 0, &ping);
        }
    }
}

/* --- registration --- */

static void
test_register (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = collector (core, "one");
  guint64 id;

  client_subscribe (watcher, 1, "system.collector.+", NULL);
  id = enrol (one, "scan");
  g_assert_cmpuint (id, >, 0);
  assert_list (watcher, "one=registered");
  assert_news (watcher, "one=registered registered(one)");
  serve (one);
  assert_list (watcher, "one=ready");
  assert_news (watcher, "one=ready");
  client_disconnect (one);
  assert_list (watcher, "");
  assert_news (watcher, "one=gone gone(one)");
}

/* A reader that comes later gets the records of those that are there. */
static void
test_retained (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = ready (core, "one");

  ready (core, "two");
  client_subscribe (watcher, 1, "system.collector.+", NULL);
  assert_news (watcher, "one=ready two=ready .");
  client_disconnect (one);
  assert_news (watcher, "one=gone gone(one)");
  client_subscribe (watcher, 2, "system.collector.+", NULL);
  assert_news (watcher, "two=ready .");
}

/* No collector registers as another one, and nobody else registers. */
static void
test_identity (Core *core, gconstpointer data)
{
  Client *one = collector (core, "one");
  Client *other = agent (core);
  RegisterRequest request;
  Operation operation, *operations[1];

  fill (&request, one, &operation, operations, "scan");
  request.type = (char *) (gsize) "netmond";
  call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_BAD_MESSAGE);
  request.type = one->peer->type;
  request.incarnation++;
  call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_BAD_MESSAGE);
  fill (&request, other, &operation, operations, "scan");
  call (other, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_DENIED);
  assert_list (other, "");
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

/* What exceeds a bound is refused, and nothing of it is kept. */
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
  Client *one = collector (core, "one");
  RegisterRequest request;
  Operation operation, *operations[1];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      fill (&request, one, &operation, operations, "scan");
      cases[i].spoil (&request, &operation);
      call (one, REGISTERED, "Register", &request.base, NULL, cases[i].status);
      g_assert_null (one->peer->member);
    }
  g_assert_cmpuint (enrol (one, "scan"), ==, 1);
}

/* A second registration on a connection replaces the first. */
static void
test_replace (Core *core, gconstpointer data)
{
  Client *one = ready (core, "one");
  guint64 first = one->peer->member->registration_id;
  VerifyRequest request = DAEMONEYE__EVENTBUS__V1__VERIFY_REQUEST__INIT;
  VerifyReply *reply;

  g_assert_cmpuint (enrol (one, "hash"), ==, first + 1);
  g_assert_null (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  g_assert_cmpuint (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("hash"))->len, ==, 1);
  g_assert_cmpint (one->peer->member->state, ==, BUS_MEMBER_READY);
  for (guint i = 0; i < 2; i++)
    {
      request.registration_id = first + i;
      reply = call (one, REGISTERED, "Verify", &request.base, &MSG (verify_reply__descriptor), WIRE_STATUS_OK);
      g_assert_cmpint (reply->is_registered, ==, i == 1);
      g_assert_cmpuint (reply->registration_id, ==, first + 1);
      done (reply);
    }
}

static void
test_update (Core *core, gconstpointer data)
{
  Client *one = collector (core, "one");
  UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  Daemoneye__Eventbus__V1__DeregisterRequest end = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  char *tags[] = { (char *) (gsize) "disk=ssd" };

  call (one, REGISTERED, "Update", &request.base, NULL, WIRE_STATUS_NOT_SUBSCRIBED);
  enrol (one, "scan");
  request.max_concurrent = 7;
  request.change_tags = TRUE;
  request.n_tags = 1;
  request.tags = tags;
  done (call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  g_assert_cmpuint (one->peer->member->max_concurrent, ==, 7);
  g_assert_cmpuint (one->peer->member->tags->len, ==, 1);
  g_assert_nonnull (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  request = (UpdateRequest) DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  request.change_operations = TRUE;
  done (call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  g_assert_null (bus_registry_members_of (core->core->work, WIRE_SPAN_LITERAL ("scan")));
  done (call (one, REGISTERED, "Deregister", &end.base, &MSG (deregister_reply__descriptor), WIRE_STATUS_OK));
  g_assert_null (one->peer->member);
  call (one, REGISTERED, "Deregister", &end.base, NULL, WIRE_STATUS_NOT_SUBSCRIBED);
  enrol (one, "scan");
}

/* Claims of an earlier epoch are kept with the member as they came, until somebody submits their tasks again. */
static void
test_claims (Core *core, gconstpointer data)
{
  Client *one = collector (core, "one");
  RegisterRequest request;
  Operation operation, *operations[1];
  TaskClaim running, finished, *claims[] = { &running, &finished };
  guint8 token[BUS_TOKEN_LEN] = { 0 };
  const BusClaim *claim;

  fill (&request, one, &operation, operations, "scan");
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
  done (call (one, REGISTERED, "Register", &request.base, &MSG (register_reply__descriptor), WIRE_STATUS_OK));
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

/* Without the feature the topic is one like any other. */
static void
test_without_feature (Core *core, gconstpointer data)
{
  Client *one = collector (core, "one");
  Client *watcher = agent (core);
  RegisterRequest request;
  Operation operation, *operations[1];

  fill (&request, one, &operation, operations, "scan");
  one->peer->features &= ~WIRE_FEATURE_TASKS;
  call (one, REGISTERED, "Register", &request.base, NULL, WIRE_STATUS_NO_RESPONDERS);
  watcher->peer->features &= ~WIRE_FEATURE_TASKS;
  call (watcher, "control.bus.collectors", "List", &request.base, NULL, WIRE_STATUS_UNSUPPORTED);
  client_serve (watcher, 1, REGISTERED);
  ask (one, REGISTERED, "Register", &request.base, 0);
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_REQUEST), ==, 1);
}

/* --- list --- */

static void
test_list (Core *core, gconstpointer data)
{
  CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  Client *watcher = agent (core);
  Client *one = ready (core, "one");
  g_autofree char *first = NULL, *second = NULL, *cursor = NULL, *scan = NULL, *state = NULL, *tagged = NULL,
                  *own = NULL;
  char *tags[] = { (char *) (gsize) "a=b" };

  enrol (collector (core, "four"), "hash");
  ready (core, "two");
  request.limit = 2;
  first = list_with (watcher, &request, &cursor);
  g_assert_cmpstr (first, ==, "four=registered one=ready");
  g_assert_cmpstr (cursor, ==, "one");
  request.cursor = cursor;
  g_clear_pointer (&first, g_free);
  g_autofree char *end = NULL;
  second = list_with (watcher, &request, &end);
  g_assert_cmpstr (second, ==, "two=ready");
  g_assert_cmpstr (end, ==, "");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.operation = (char *) (gsize) "scan";
  scan = list_with (watcher, &request, NULL);
  g_assert_cmpstr (scan, ==, "one=ready two=ready");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.state = DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_REGISTERED;
  state = list_with (watcher, &request, NULL);
  g_assert_cmpstr (state, ==, "four=registered");
  request = (CollectorsRequest) DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  request.n_tags = 1;
  request.tags = tags;
  tagged = list_with (watcher, &request, NULL);
  g_assert_cmpstr (tagged, ==, "");
  own = list (one);
  g_assert_cmpstr (own, ==, "one=ready");
}

/* --- drain --- */

static void
test_drain (Core *core, gconstpointer data)
{
  DrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  Client *watcher = agent (core);
  Client *one = ready (core, "one");
  Daemoneye__Eventbus__V1__CollectorLifecycle *lifecycle;
  g_autoptr (Got) got = NULL;

  client_subscribe (one, 5, "control.collector.lifecycle", NULL);
  client_subscribe (watcher, 1, "system.collector.draining", NULL);
  request.id = (char *) (gsize) "nobody";
  call (watcher, "control.bus.collectors", "Drain", &request.base, NULL, WIRE_STATUS_ABSENT);
  request.id = (char *) (gsize) "one";
  call (one, "control.bus.collectors", "Drain", &request.base, NULL, WIRE_STATUS_DENIED);
  request.grace_us = 9 * SECOND;
  done (call (watcher, "control.bus.collectors", "Drain", &request.base, &MSG (collector_drain_reply__descriptor),
              WIRE_STATUS_OK));
  assert_list (watcher, "one=draining");
  assert_news (watcher, "draining(one)");
  got = client_take (one, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_true (wire_span_equal (got->envelope.sender, WIRE_SPAN_LITERAL ("bus")));
  lifecycle = MSG (collector_lifecycle__unpack) (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpint (lifecycle->action, ==, DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_DRAIN);
  g_assert_cmpuint (lifecycle->grace_us, ==, 9 * SECOND);
  done (lifecycle);
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 9 * SECOND);
  core_advance (core, SECOND); /* a second call does not move the end */
  done (call (watcher, "control.bus.collectors", "Drain", &request.base, &MSG (collector_drain_reply__descriptor),
              WIRE_STATUS_OK));
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 8 * SECOND);
  enrol (one, "scan");
  assert_list (watcher, "one=ready");
}

static void
test_drain_self (Core *core, gconstpointer data)
{
  UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  Client *one = ready (core, "one");

  client_subscribe (one, 5, "control.collector.lifecycle", NULL);
  request.draining = TRUE;
  done (call (one, REGISTERED, "Update", &request.base, &MSG (update_reply__descriptor), WIRE_STATUS_OK));
  assert_list (one, "one=draining");
  g_assert_cmpint (one->peer->member->drain_until_us, ==, core->now_us + 30 * SECOND);
  g_assert_null (client_take (one, WIRE_KIND_DELIVER));
}

/* An end that was announced is no death. */
static void
test_deaths (Core *core, gconstpointer data)
{
  DrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  Client *watcher = agent (core);
  Client *one = ready (core, "one");

  client_disconnect (one);
  one = ready (core, "one");
  g_assert_cmpuint (one->peer->member->past->deaths, ==, 0); /* the same incarnation came back */
  client_disconnect (one);
  core_advance (core, 3 * SECOND);
  one = ready (core, "one");
  g_assert_cmpuint (one->peer->member->past->deaths, ==, 1);
  request.id = (char *) (gsize) "one";
  request.expect_exit = TRUE;
  done (call (watcher, "control.bus.collectors", "Drain", &request.base, &MSG (collector_drain_reply__descriptor),
              WIRE_STATUS_OK));
  client_disconnect (one);
  core_advance (core, 3 * SECOND);
  g_assert_cmpuint (ready (core, "one")->peer->member->past->deaths, ==, 1);
}

/* --- trust --- */

static void
test_silent (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = ready (core, "one");

  client_subscribe (watcher, 1, "system.collector.suspect", NULL);
  core_advance (core, 5 * SECOND);
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 0); /* its calls were heartbeats */
  core_advance (core, 5 * SECOND);
  g_assert_cmpuint (client_count (one, WIRE_KIND_PING), ==, 1);
  assert_list (watcher, "one=ready");
  core_advance (core, 5 * SECOND);
  assert_list (watcher, "one=suspect");
  assert_news (watcher, "suspect(one)");
  core_advance (core, 60 * SECOND);
  assert_list (watcher, "one=suspect");
  pass_time (core, 1, watcher);
  assert_list (watcher, "one=ready");
}

/* A collector that answers PING is never suspected. */
static void
test_alive (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);

  ready (core, "one");
  pass_time (core, 60 * SECOND, watcher);
  assert_list (watcher, "one=ready");
}

/* The broker itself stood still: the frames that it has not read yet are no silence. Not a second time within a minute. */
static void
test_grace (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);

  ready (core, "one");
  for (guint round = 0; round < 2; round++)
    {
      core_advance (core, 5 * SECOND);
      core_advance (core, 5 * SECOND);
      g_assert_cmpuint (member_of (core, "one")->missed_heartbeats, ==, 1);
      core_advance (core, 20 * SECOND);
      assert_list (watcher, round == 0 ? "one=ready" : "one=suspect");
      pass_time (core, 1, watcher);
      assert_list (watcher, "one=ready");
    }
}

static void
test_zombies (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = ready (core, "one");

  one->peer->member->n_zombie = 2;
  bus_trust_slots (core->core, one->peer->member);
  assert_list (watcher, "one=suspect");
  g_assert_cmpstr (one->peer->member->cause, ==, "every slot waits for an answer that does not come");
  one->peer->member->n_zombie = 1;
  bus_trust_slots (core->core, one->peer->member);
  assert_list (watcher, "one=ready");
  one->peer->member->n_zombie = 0;
}

/* Three failures in a minute; the time doubles, and is that of the id. */
static void
test_set_aside (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = ready (core, "one");

  ready (core, "two");
  strike (core, "one");
  strike (core, "one");
  pass_time (core, 61 * SECOND, NULL);
  strike (core, "one");
  assert_list (watcher, "one=ready two=ready"); /* the first two are too old */
  strike (core, "one");
  strike (core, "one");
  assert_list (watcher, "one=set-aside two=ready");
  pass_time (core, 4 * SECOND, NULL);
  client_disconnect (one);
  one = ready (core, "one");
  assert_list (watcher, "one=set-aside two=ready");
  pass_time (core, 2 * SECOND, NULL);
  assert_list (watcher, "one=ready two=ready");
  for (guint i = 0; i < 3; i++)
    strike (core, "one");
  pass_time (core, 9 * SECOND, NULL);
  assert_list (watcher, "one=set-aside two=ready");
  pass_time (core, 2 * SECOND, NULL);
  assert_list (watcher, "one=ready two=ready");
}

/* The only one that is ready is not set aside: it gets one task at a time. */
static void
test_needed (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *one = ready (core, "one");
  BusMember *member = one->peer->member;

  member->has_started = TRUE;
  g_assert_cmpuint (bus_member_offer_room (member), ==, 1);
  for (guint i = 0; i < 3; i++)
    strike (core, "one");
  assert_list (watcher, "one=ready");
  g_assert_true (member->is_probed);
  member->n_running = 1;
  g_assert_cmpuint (bus_member_offer_room (member), ==, 0);
  member->n_running = 0;
  pass_time (core, 6 * SECOND, NULL);
  g_assert_false (member->is_probed);
}

/* At most half of them, rounded down; the one whose time ends first comes back when nobody else is ready. */
static void
test_half (Core *core, gconstpointer data)
{
  static const char *const ids[] = { "one", "three", "two" };
  Client *watcher = agent (core);
  Client *clients[G_N_ELEMENTS (ids)];

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    clients[i] = ready (core, ids[i]);
  for (guint i = 0; i < 3; i++)
    strike (core, "one");
  for (guint i = 0; i < 3; i++)
    strike (core, "two");
  assert_list (watcher, "one=set-aside three=ready two=ready");
  g_assert_true (member_of (core, "two")->is_probed);
  client_disconnect (clients[2]);
  assert_list (watcher, "one=set-aside three=ready");
  client_disconnect (clients[1]);
  assert_list (watcher, "one=ready");
  g_assert_true (member_of (core, "one")->is_probed);
}

/* A member of another type does not do the work of this one. */
static void
test_needed_type (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  Client *other = client_ready (core, "net", "netmond");

  ready (core, "one");
  other->peer->features |= WIRE_FEATURE_TASKS;
  enrol (other, "scan");
  client_serve (other, 99, "control.collector.task.netmond.net");
  for (guint i = 0; i < 3; i++)
    strike (core, "one");
  assert_list (watcher, "net=ready one=ready");
}

/* A collector that starts again and again is set aside, although it announces each end. */
static void
test_crash_loop (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest end = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *watcher = agent (core);
  Client *one = collector (core, "one");

  ready (core, "two");
  for (guint i = 0; i < 3; i++)
    {
      enrol (one, "scan");
      done (call (one, REGISTERED, "Deregister", &end.base, &MSG (deregister_reply__descriptor), WIRE_STATUS_OK));
    }
  enrol (one, "scan");
  serve (one);
  assert_list (watcher, "one=set-aside two=ready");
  pass_time (core, 6 * SECOND, NULL);
  assert_list (watcher, "one=ready two=ready");
}

/* It dies with the tasks that it gets; a completed one clears it. */
static void
test_dies_at_work (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);

  ready (core, "two");
  for (guint i = 0; i < 3; i++)
    {
      Client *one = ready (core, "one");

      assert_list (watcher, i < 2 ? "one=ready two=ready" : "one=set-aside two=ready");
      if (i < 2)
        one->peer->member->n_running = 1;
      client_disconnect (one);
      pass_time (core, 30 * SECOND, NULL);
    }
}

/* --- barrier --- */

static guint64
barrier (Client *client, gint64 deadline_us)
{
  BarrierRequest request = DAEMONEYE__EVENTBUS__V1__BARRIER_REQUEST__INIT;
  char *expected[] = { (char *) (gsize) "one", (char *) (gsize) "two" };

  request.n_expected = 2;
  request.expected = expected;
  return ask (client, "control.bus.collectors", "Barrier", &request.base, (guint64) deadline_us);
}

/* The ids that are missing, as the answer to @id says; "nothing": there is none yet. */
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
  done (reply);
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
  Client *watcher = agent (core);
  guint64 id = barrier (watcher, 60 * SECOND);
  Client *two;

  assert_missing (watcher, id, "nothing");
  ready (core, "one");
  assert_missing (watcher, id, "nothing");
  two = collector (core, "two");
  enrol (two, "scan");
  assert_missing (watcher, id, "nothing");
  serve (two);
  assert_missing (watcher, id, "");
  id = barrier (watcher, 60 * SECOND);
  assert_missing (watcher, id, ""); /* at once */
}

static void
test_barrier_due (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  guint64 id = barrier (watcher, 3 * SECOND);

  ready (core, "two");
  core_advance (core, 3 * SECOND);
  assert_missing (watcher, id, "one");
}

/* Each way out: CANCEL, and the end of the connection (core_teardown() asserts that nothing is left). */
static void
test_barrier_ends (Core *core, gconstpointer data)
{
  Client *watcher = agent (core);
  guint64 id = barrier (watcher, 0);
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.id = id;
  client_send (watcher, WIRE_KIND_CANCEL, 0, &cancel);
  g_assert_cmpuint (core->core->work->barriers.length, ==, 0);
  barrier (watcher, 0);
  ready (core, "one");
  ready (core, "two");
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_REPLY), ==, 1);
  barrier (collector (core, "three"), 0);
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
  ADD ("/core/collectors/M09-update", test_update);
  ADD ("/core/collectors/M09-claims", test_claims);
  ADD ("/core/collectors/M09-without-feature", test_without_feature);
  ADD ("/core/collectors/M10-list", test_list);
  ADD ("/core/collectors/K14-drain", test_drain);
  ADD ("/core/collectors/K14-drain-self", test_drain_self);
  ADD ("/core/collectors/K01-deaths", test_deaths);
  ADD ("/core/collectors/K04-silent", test_silent);
  ADD ("/core/collectors/K04-alive", test_alive);
  ADD ("/core/collectors/K04-grace", test_grace);
  ADD ("/core/collectors/K04-zombies", test_zombies);
  ADD ("/core/collectors/K07-set-aside", test_set_aside);
  ADD ("/core/collectors/K07-needed", test_needed);
  ADD ("/core/collectors/K07-half", test_half);
  ADD ("/core/collectors/K07-needed-type", test_needed_type);
  ADD ("/core/collectors/K07-crash-loop", test_crash_loop);
  ADD ("/core/collectors/K06-dies-at-work", test_dies_at_work);
  ADD ("/core/collectors/M09-barrier", test_barrier);
  ADD ("/core/collectors/M09-barrier-due", test_barrier_due);
  ADD ("/core/collectors/I16-barrier-ends", test_barrier_ends);
  return g_test_run ();
}
