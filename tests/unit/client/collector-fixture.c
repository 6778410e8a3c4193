/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

void
collector_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  HandlerLog *log = data;

  log->calls++;
  if (log->succeeds)
    g_assert_true (deye_bus_work_succeed (work, NULL, NULL, NULL));
  if (!log->drops)
    g_set_object (&log->work, work);
}

static void
count_registered (DeyeBusCollector *collector, gpointer data)
{
  ((CollectorFixture *) data)->registered++;
}

static void
count_draining (DeyeBusCollector *collector, gpointer data)
{
  ((CollectorFixture *) data)->draining++;
}

static void
count_drained (DeyeBusCollector *collector, gpointer data)
{
  ((CollectorFixture *) data)->drained++;
}

static void
keep_refusal (DeyeBusCollector *collector, const GError *error, gpointer data)
{
  CollectorFixture *f = data;

  f->refused++;
  g_clear_error (&f->refusal);
  f->refusal = g_error_copy (error);
}

void
collector_fixture_set_up (CollectorFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_set_up (&f->base, data);
  f->base.client->features |= WIRE_FEATURE_TASKS;
  g_assert_true (
      deye_bus_client_set_heartbeat (f->base.client, 300 * G_TIME_SPAN_SECOND, NULL)); /* none during a test */
  f->collector = deye_bus_collector_new_for_client (f->base.client);
  g_signal_connect (f->collector, "registered", G_CALLBACK (count_registered), f);
  g_signal_connect (f->collector, "draining", G_CALLBACK (count_draining), f);
  g_signal_connect (f->collector, "drained", G_CALLBACK (count_drained), f);
  g_signal_connect (f->collector, "refused", G_CALLBACK (keep_refusal), f);
  deye_bus_collector_add_operation (f->collector, "scan", "org.example.Scan", DEYE_BUS_OPERATION_IDEMPOTENT,
                                    collector_on_work, &f->log, NULL, &error);
  g_assert_no_error (error);
}

void
collector_fixture_tear_down (CollectorFixture *f, gconstpointer data)
{
  g_clear_object (&f->log.work);
  client_fixture_settle (&f->base);
  if (f->collector != NULL)
    g_assert_finalize_object (f->collector);
  g_clear_error (&f->refusal);
  deye_bus_client_close (f->base.client, NULL, NULL);
  client_fixture_tear_down (&f->base, data);
}

void
collector_fixture_begin (CollectorFixture *f)
{
  g_autoptr (GError) error = NULL;

  deye_bus_collector_start (f->collector, &error);
  g_assert_no_error (error);
  f->welcome.features = WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM;
  script_welcome (f->base.in, &f->welcome);
  client_fixture_send_and_settle (&f->base);
}

void
collector_fixture_start (CollectorFixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_begin (f);
  collector_script_registered (f->base.in, 2, 77);
  client_fixture_send_and_settle (&f->base);
  script_subscribe_reply (f->base.in, 4, 1000, 1048576);
  script_subscribe_reply (f->base.in, 6, 1000, 1048576);
  client_fixture_send_and_settle (&f->base);
  frames = client_fixture_receive (&f->base);
  g_assert_cmpuint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_READY);
}

/* --- from the broker --- */

void
collector_script_reply (GByteArray *out, guint64 answers, const ProtobufCMessage *message)
{
  g_autofree guint8 *packed = g_malloc (protobuf_c_message_get_packed_size (message) + 1);
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = answers;
  envelope.sender = wire_span_str ("bus");
  envelope.payload = wire_span (packed, protobuf_c_message_pack (message, packed));
  script_frame (out, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

void
collector_script_registered (GByteArray *out, guint64 answers, guint64 registration_id)
{
  Daemoneye__Eventbus__V1__RegisterReply reply = DAEMONEYE__EVENTBUS__V1__REGISTER_REPLY__INIT;

  reply.registration_id = registration_id;
  reply.epoch = 4711;
  reply.state = DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_REGISTERED;
  collector_script_reply (out, answers, &reply.base);
}

void
collector_script_order (GByteArray *out, guint64 route, const char *sender, const void *payload, gsize len)
{
  const guint32 subscription = 1;
  guint8 packed[5];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str (sender);
  envelope.accept_seq = 1;
  envelope.route_id = route;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (&subscription, 1, packed));
  envelope.topic = wire_span_str (COLLECTOR_TOPIC);
  envelope.payload = wire_span (payload, len);
  script_frame (out, WIRE_KIND_REQUEST, 0, &envelope);
}

void
collector_script_execute (GByteArray *out, guint64 route, const char *id, const ScriptExecute *wish)
{
  g_autofree char *token = g_strdup_printf ("token-%" G_GUINT64_FORMAT, route);
  g_autofree char *task_id = g_strdup (id);
  g_autofree guint8 *packed = NULL;
  char operation[] = "scan";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  if (wish != NULL)
    execute = *wish;
  execute.task_id = task_id;
  if (*execute.operation == '\0')
    execute.operation = operation;
  execute.attempt = MAX (execute.attempt, 1);
  execute.token = (ProtobufCBinaryData){ strlen (token), (guint8 *) token };
  packed = g_malloc (daemoneye__eventbus__v1__execute__get_packed_size (&execute));
  collector_script_order (out, route, "bus", packed, daemoneye__eventbus__v1__execute__pack (&execute, packed));
}

void
collector_script_lifecycle (GByteArray *out, const char *sender, guint64 grace_us, gboolean expect_exit)
{
  Daemoneye__Eventbus__V1__CollectorLifecycle lifecycle = DAEMONEYE__EVENTBUS__V1__COLLECTOR_LIFECYCLE__INIT;

  lifecycle.action = DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_DRAIN;
  lifecycle.grace_us = grace_us;
  lifecycle.expect_exit = expect_exit;
  collector_script_lifecycle_event (out, sender, &lifecycle.base);
}

void
collector_script_lifecycle_event (GByteArray *out, const char *sender, const ProtobufCMessage *message)
{
  const guint32 subscription = 2;
  guint8 packed[5], payload[512];
  WireEnvelope envelope;

  g_assert_cmpuint (protobuf_c_message_get_packed_size (message), <=, sizeof payload);
  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str (sender);
  envelope.topic = wire_span_str ("control.collector.lifecycle");
  envelope.type_name = wire_span_str ("daemoneye.eventbus.v1.CollectorLifecycle");
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (&subscription, 1, packed));
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  script_frame (out, WIRE_KIND_DELIVER, 0, &envelope);
}

void
collector_script_cancel (GByteArray *out, guint64 route, guint32 status)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route_id = route;
  envelope.status = status;
  script_frame (out, WIRE_KIND_CANCEL, 0, &envelope);
}

void
collector_script_delivered (GByteArray *out, guint64 route)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route_id = route;
  script_frame (out, WIRE_KIND_DELIVERED, 0, &envelope);
}

/* --- from the client --- */

WireGuard *
collector_unpack (const ScriptFrame *frame, const ProtobufCMessageDescriptor *type)
{
  WireGuard *guard = wire_guard_unpack (type, frame->envelope.payload, 0, NULL);

  g_assert_nonnull (guard);
  return guard;
}

const ScriptFrame *
collector_find_request (GPtrArray *frames, const char *method)
{
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      if (frame->kind == WIRE_KIND_REQUEST && wire_span_equal (frame->envelope.method, wire_span_str (method))
          && wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.collector.registration")))
        return frame;
    }
  return NULL;
}

GPtrArray *
collector_receive (CollectorFixture *f)
{
  GPtrArray *frames = client_fixture_receive (&f->base);

  for (guint i = frames->len; i-- > 0;)
    if (((ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_CREDIT)
      g_ptr_array_remove_index (frames, i);
  return frames;
}

void
collector_assert_bad_request (CollectorFixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *reply;

  client_fixture_send_and_settle (&f->base);
  frames = collector_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  reply = frames->pdata[0];
  g_assert_true (wire_span_equal (reply->envelope.error_name, WIRE_SPAN_LITERAL ("BadRequest")));
}

/* Asserts that the token belongs to the lease of @route. */
static void
assert_token (const ProtobufCBinaryData *token, guint64 route)
{
  g_autofree char *expected = g_strdup_printf ("token-%" G_GUINT64_FORMAT, route);

  g_assert_true (wire_span_equal (wire_span (token->data, token->len), wire_span_str (expected)));
}

void
collector_assert_progress (const ScriptFrame *frame, guint64 route, gboolean started, guint64 done)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__progress__descriptor);
  const ScriptProgress *progress = wire_guard_message (guard);

  g_assert_cmpint (frame->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpint (frame->flags, ==, WIRE_FLAG_PROGRESS);
  g_assert_cmpuint (frame->envelope.route, ==, route);
  assert_token (&progress->token, route);
  g_assert_cmpint (progress->started, ==, started);
  g_assert_cmpuint (progress->done, ==, done);
}

void
collector_assert_outcome (const ScriptFrame *frame, guint64 route, guint32 kind)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__outcome__descriptor);
  const ScriptOutcome *outcome = wire_guard_message (guard);

  g_assert_cmpint (frame->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpint (frame->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (frame->envelope.route, ==, route);
  g_assert_cmpuint (frame->envelope.status, ==, WIRE_STATUS_OK);
  assert_token (&outcome->token, route);
  g_assert_cmpuint (outcome->kind, ==, kind);
}
