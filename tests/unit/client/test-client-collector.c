/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

/* A collector: its registration, and its handling of requests that give it a task. */

typedef CollectorFixture Fixture;

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

static GPtrArray *
send_and_receive (Fixture *f)
{
  client_fixture_send_and_settle (&f->base);
  return collector_receive (f);
}

/* --- registration --- */

static void
check_register (const ScriptFrame *frame, const Fixture *f)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__register_request__descriptor);
  const Daemoneye__Eventbus__V1__RegisterRequest *request = wire_guard_message (guard);

  g_assert_cmpstr (request->type, ==, "procmond");
  g_assert_cmpuint (request->incarnation, ==, f->base.client->incarnation);
  g_assert_cmpuint (request->max_concurrent, ==, 3);
  g_assert_cmpuint (request->priorities->lowest, ==, 10);
  g_assert_cmpuint (request->priorities->highest, ==, 255);
  g_assert_cmpuint (request->n_tags, ==, 1);
  g_assert_cmpstr (request->tags[0], ==, "os=plan9");
  g_assert_cmpuint (request->n_operations, ==, 1);
  g_assert_cmpstr (request->operations[0]->name, ==, "scan");
  g_assert_cmpstr (request->operations[0]->payload_type, ==, "org.example.Scan");
  g_assert_true (request->operations[0]->idempotent);
  g_assert_cmpuint (request->operations[0]->run_limit_us, ==, 7000000);
  g_assert_cmpuint (request->operations[0]->progress_us, ==, 2000000);
}

/* The collector registers before it serves topics, and before the client is ready. */
static void
test_register (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  g_object_set (f->collector, "max-concurrent", 3u, "lowest-priority", 10u, NULL);
  g_assert_true (deye_bus_collector_set_operation_limits (f->collector, "scan", 7000000, 2000000, NULL));
  g_assert_true (deye_bus_collector_add_tag (f->collector, "os", "inferno", NULL));
  g_assert_true (deye_bus_collector_add_tag (f->collector, "os", "plan9", NULL));
  collector_fixture_begin (f);
  frames = collector_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[0])->kind, ==, WIRE_KIND_HELLO);
  g_assert_true (collector_find_request (frames, "Register") == frames->pdata[1]);
  check_register (frames->pdata[1], f);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_CONNECTED);
  g_assert_cmpuint (f->registered, ==, 0);
  collector_script_registered (f->base.in, 2, 77);
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->registered, ==, 1);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
  g_assert_true (wire_span_equal (((ScriptFrame *) frames->pdata[0])->envelope.topic,
                                  WIRE_SPAN_LITERAL ("control.bus.subscribe")));
}

/* A refusal does not end the connection, and is reported once. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &result);
  collector_fixture_begin (f);
  script_error (f->base.in, 2, WIRE_STATUS_DENIED);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
  g_assert_cmpuint (f->refused, ==, 1);
  g_assert_error (f->refusal, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_cmpuint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
}

/* A collector sends no requests to a broker without tasks. */
static void
test_without_tasks (Fixture *f, gconstpointer data)
{
  const ScriptWelcome plain = { .features = WIRE_FEATURE_STREAM };
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_true (deye_bus_collector_start (f->collector, NULL));
  script_welcome (f->base.in, &plain);
  frames = send_and_receive (f);
  g_assert_null (collector_find_request (frames, "Register"));
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
  g_assert_error (f->refusal, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
}

static void
test_started (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) cancelled = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &result);
  deye_bus_collector_start_async (f->collector, cancellable, client_result_set, &cancelled);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (cancelled.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, cancelled.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  collector_fixture_start (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_collector_start_finish (f->collector, result.result, &error));
  g_assert_no_error (error);
}

/* The client is already connected when the collector starts. */
static void
test_connected (Fixture *f, gconstpointer data)
{
  const ScriptWelcome welcome = { .features = WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (&f->base, &welcome);
  g_assert_true (deye_bus_collector_start (f->collector, NULL));
  frames = collector_receive (f);
  g_assert_cmpuint (frames->len, ==, 3);
  g_assert_true (collector_find_request (frames, "Register") == frames->pdata[0]);
  collector_script_registered (f->base.in, 2, 77);
  script_subscribe_reply (f->base.in, 4, 1000, 1048576);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->registered, ==, 1);
}

/* Operations that are added or removed later are sent in an update. */
static void
test_update (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) added = NULL;
  g_autoptr (GPtrArray) removed = NULL;
  g_autoptr (WireGuard) first = NULL;
  g_autoptr (WireGuard) second = NULL;
  const Daemoneye__Eventbus__V1__UpdateRequest *update;

  collector_fixture_start (f);
  deye_bus_collector_add_operation (f->collector, "list", NULL, DEYE_BUS_OPERATION_WITHOUT_PROGRESS, collector_on_work,
                                    &f->log, NULL, NULL);
  added = collector_receive (f);
  first = collector_unpack (collector_find_request (added, "Update"),
                            &daemoneye__eventbus__v1__update_request__descriptor);
  update = wire_guard_message (first);
  g_assert_true (update->change_operations);
  g_assert_cmpuint (update->n_operations, ==, 2);
  g_assert_true (update->operations[1]->without_progress);
  g_assert_true (deye_bus_collector_remove_operation (f->collector, "scan", NULL));
  removed = collector_receive (f);
  second = collector_unpack (collector_find_request (removed, "Update"),
                             &daemoneye__eventbus__v1__update_request__descriptor);
  update = wire_guard_message (second);
  g_assert_cmpuint (update->n_operations, ==, 1);
  g_assert_cmpstr (update->operations[0]->name, ==, "list");
  client_fixture_settle (&f->base);
}

/* M16: the broker has another registration, or none: the collector registers again on the same connection. */
static void
test_verify (Fixture *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__VerifyReply reply = DAEMONEYE__EVENTBUS__V1__VERIFY_REPLY__INIT;
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) again = NULL;

  collector_fixture_start (f);
  g_assert_true (deye_bus_client_set_heartbeat (f->base.client, 100000, NULL));
  asked = collector_receive (f);
  while (collector_find_request (asked, "Verify") == NULL)
    {
      g_ptr_array_unref (asked);
      g_main_context_iteration (f->base.context, TRUE);
      asked = collector_receive (f);
    }
  g_assert_true (deye_bus_client_set_heartbeat (f->base.client, 300 * G_TIME_SPAN_SECOND, NULL));
  collector_script_reply (f->base.in, collector_find_request (asked, "Verify")->envelope.id, &reply.base);
  again = send_and_receive (f);
  g_assert_nonnull (collector_find_request (again, "Register"));
  collector_script_registered (f->base.in, collector_find_request (again, "Register")->envelope.id, 78);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->registered, ==, 2);
}

/* --- tasks --- */

/* STARTED is sent before the handler is called. */
static void
test_execute (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  char operation[] = "scan", type[] = "org.example.Scan", text[] = "payload", details[] = "half";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.operation = operation;
  execute.payload_type = type;
  execute.payload = (ProtobufCBinaryData){ strlen (text), (guint8 *) text };
  execute.last_details = (ProtobufCBinaryData){ strlen (details), (guint8 *) details };
  execute.attempt = 2;
  execute.priority = 9;
  execute.remaining_us = 60 * G_TIME_SPAN_SECOND;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  frames = send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 1);
  g_assert_cmpstr (deye_bus_work_get_task_id (f->log.work), ==, "t-1");
  g_assert_cmpstr (deye_bus_work_get_operation (f->log.work), ==, "scan");
  g_assert_cmpstr (deye_bus_work_get_payload_type (f->log.work), ==, "org.example.Scan");
  g_assert_cmpmem (g_bytes_get_data (deye_bus_work_get_payload (f->log.work), NULL),
                   g_bytes_get_size (deye_bus_work_get_payload (f->log.work)), "payload", 7);
  g_assert_cmpmem (g_bytes_get_data (deye_bus_work_get_last_details (f->log.work), NULL),
                   g_bytes_get_size (deye_bus_work_get_last_details (f->log.work)), "half", 4);
  g_assert_cmpuint (deye_bus_work_get_attempt (f->log.work), ==, 2);
  g_assert_cmpuint (deye_bus_work_get_priority (f->log.work), ==, 9);
  g_assert_cmpint (deye_bus_work_get_remaining (f->log.work), >, 0);
  g_assert_cmpint (deye_bus_work_get_remaining (f->log.work), <=, 60 * G_TIME_SPAN_SECOND);
}

/* A handler ends its work before it returns. */
static void
test_at_once (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  f->log.succeeds = f->log.drops = TRUE;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  frames = send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
  collector_assert_outcome (frames->pdata[1], 700, OUTCOME (SUCCEEDED));
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
}

/* A handler kills its process, or works for long before it returns: STARTED and the handler's reports are sent before that. */
static void
receive_in_handler (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  Fixture *f = data;
  g_autoptr (GPtrArray) started = collector_receive (f);
  g_autoptr (GPtrArray) reported = NULL;

  g_assert_cmpuint (started->len, ==, 1);
  collector_assert_progress (started->pdata[0], 700, TRUE, 0);
  g_assert_true (deye_bus_work_progress (work, 5, 9, NULL, NULL, NULL));
  reported = collector_receive (f);
  g_assert_cmpuint (reported->len, ==, 1);
  collector_assert_progress (reported->pdata[0], 700, FALSE, 5);
  collector_on_work (collector, work, &f->log);
}

static void
test_written_in_handler (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  char operation[] = "slow";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.operation = operation;
  deye_bus_collector_add_operation (f->collector, "slow", NULL, DEYE_BUS_OPERATION_NONE, receive_in_handler, f, NULL,
                                    NULL);
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (frames->len, ==, 0);
}

/* CANCEL arrives in the same read as the task: the handler is not called. */
static void
test_cancel_in_same_read (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  collector_script_cancel (f->base.in, 700, WIRE_STATUS_CANCELLED);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_outcome (frames->pdata[0], 700, OUTCOME (CANCELLED));
}

/* CANCEL arrives while the handler of an earlier task works: the second task is not started. */
static void
read_cancel (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  Fixture *f = data;

  collector_script_cancel (f->base.in, 701, WIRE_STATUS_SUPERSEDED);
  client_fixture_send (&f->base);
  collector_on_work (collector, work, &f->log);
}

static void
test_cancel_during_handler (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  char operation[] = "slow";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.operation = operation;
  g_object_set (f->collector, "max-concurrent", 2u, NULL);
  deye_bus_collector_add_operation (f->collector, "slow", NULL, DEYE_BUS_OPERATION_NONE, read_cancel, f, NULL, NULL);
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  collector_script_execute (f->base.in, 701, "t-2", NULL);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
  collector_assert_outcome (frames->pdata[1], 701, OUTCOME (CANCELLED));
}

static const struct
{
  guint32 status;
  DeyeBusCancelReason reason;
} cancels[] = {
  { WIRE_STATUS_OK, DEYE_BUS_CANCEL_ASKED },          { WIRE_STATUS_CANCELLED, DEYE_BUS_CANCEL_ASKED },
  { WIRE_STATUS_EXPIRED, DEYE_BUS_CANCEL_EXPIRED },   { WIRE_STATUS_SUPERSEDED, DEYE_BUS_CANCEL_SUPERSEDED },
  { WIRE_STATUS_DRAINING, DEYE_BUS_CANCEL_DRAINING },
};

/* The handler gets the reason; its answer is still sent. Its cancellable is cancelled, no
 * matter if the handler asks for it before or after that. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (cancels); i++)
    {
      g_autoptr (GPtrArray) started = NULL;
      g_autoptr (GPtrArray) frames = NULL;
      g_autoptr (GCancellable) early = NULL;

      collector_script_execute (f->base.in, 700 + i, "t-1", NULL);
      started = send_and_receive (f);
      if (i % 2 == 1)
        early = g_object_ref (deye_bus_work_get_cancellable (f->log.work));
      g_assert_false (g_cancellable_is_cancelled (early));
      g_assert_false (deye_bus_work_acknowledge_cancel (f->log.work, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
      collector_script_cancel (f->base.in, 700 + i, cancels[i].status);
      client_fixture_send_and_settle (&f->base);
      g_assert_true (early == NULL || g_cancellable_is_cancelled (early));
      g_assert_true (g_cancellable_is_cancelled (deye_bus_work_get_cancellable (f->log.work)));
      g_assert_true (early == NULL || early == deye_bus_work_get_cancellable (f->log.work));
      g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, cancels[i].reason);
      g_assert_false (deye_bus_work_progress (f->log.work, 1, 2, NULL, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
      g_clear_error (&error);
      g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 1);
      g_assert_true (deye_bus_work_acknowledge_cancel (f->log.work, NULL));
      client_fixture_settle (&f->base);
      frames = collector_receive (f);
      g_assert_cmpuint (frames->len, ==, 1);
      collector_assert_outcome (frames->pdata[0], 700 + i, OUTCOME (CANCELLED));
    }
}

/* A task from a sender other than the broker is refused. */
static void
test_other_sender (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *reply;

  collector_fixture_start (f);
  collector_script_order (f->base.in, 700, "mallory", "\x0a\x01t\x12\x04scan\x30\x01\x3a\x01x", 14);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpuint (frames->len, ==, 1);
  reply = frames->pdata[0];
  g_assert_cmpuint (reply->envelope.status, ==, WIRE_STATUS_FAILED);
  g_assert_true (wire_span_equal (reply->envelope.error_name, WIRE_SPAN_LITERAL ("PermissionDenied")));
}

static const struct
{
  const char *payload;
  gsize len;
} hostile[] = {
  { "", 0 },                                                /* empty */
  { "\xff\xff\xff", 3 },                                    /* not protobuf */
  { "\x0a\x01t\x12\x04scan\x30\x01", 11 },                  /* no token */
  { "\x12\x04scan\x30\x01\x3a\x01x", 11 },                  /* no task */
  { "\x0a\x01t\x12\x04scan\x3a\x01x", 12 },                 /* no attempt */
  { "\x0a\x01t\x12\x04scan\x30\x01\x3a\x01x\x68\x01", 16 }, /* finished without adopt */
  { "\x0a\x7ft\x12\x04scan\x30\x01\x3a\x01x", 14 },         /* a length beyond the end */
  { "\x0a\x02\xc0\x80\x12\x04scan\x30\x01\x3a\x01x", 15 },  /* not UTF-8 */
};

/* A request that is not a valid Execute is refused, and no handler is called. */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_test_message ("payload %u", i);
      collector_script_order (f->base.in, 700 + i, "bus", hostile[i].payload, hostile[i].len);
      collector_assert_bad_request (f);
    }
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

/* The largest number in each field does not overflow to a time that has passed. */
static void
test_extreme (Fixture *f, gconstpointer data)
{
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;
  g_autoptr (GPtrArray) frames = NULL;

  execute.attempt = G_MAXUINT32;
  execute.priority = G_MAXUINT32;
  execute.remaining_us = execute.run_limit_us = execute.progress_us = G_MAXUINT64;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpint (deye_bus_work_get_remaining (f->log.work), >, 0);
  g_assert_true (deye_bus_work_progress (f->log.work, 1, 0, NULL, NULL, NULL));
  g_assert_true (deye_bus_work_progress (f->log.work, 2, 0, NULL, NULL, NULL));
  client_fixture_settle (&f->base);
}

static void
assert_declined (Fixture *f, guint64 route, const char *id, const ScriptExecute *execute, guint32 kind)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_script_execute (f->base.in, route, id, execute);
  frames = send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_outcome (frames->pdata[0], route, kind);
}

/* A collector answers BUSY if it has no free slot, or if it already works on the task. */
static void
test_busy (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) last = NULL;

  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  first = send_and_receive (f);
  assert_declined (f, 701, "t-2", NULL, OUTCOME (BUSY));
  g_object_set (f->collector, "max-concurrent", 2u, NULL);
  g_clear_pointer (&first, g_ptr_array_unref);
  first = collector_receive (f);
  assert_declined (f, 702, "t-1", NULL, OUTCOME (BUSY));
  collector_script_execute (f->base.in, 703, "t-2", NULL);
  last = send_and_receive (f);
  collector_assert_progress (last->pdata[0], 703, TRUE, 0);
  g_assert_cmpuint (f->log.calls, ==, 2);
}

static void
test_unknown_operation (Fixture *f, gconstpointer data)
{
  char operation[] = "dance";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.operation = operation;
  collector_fixture_start (f);
  assert_declined (f, 700, "t-1", &execute, OUTCOME (RETRYABLE));
}

/* --- misuse --- */

static void
assert_invalid (gboolean ok, GError **error)
{
  g_assert_false (ok);
  g_assert_error (*error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_clear_error (error);
}

static void
count_destroyed (gpointer data)
{
  ++*(guint *) data;
}

static void
test_misuse (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusCollector) bare = g_object_new (DEYE_BUS_TYPE_COLLECTOR, NULL);
  g_autoptr (DeyeBusCollector) second = deye_bus_collector_new_for_client (f->base.client);
  g_autofree char *long_tag = g_strnfill (80, 'x');
  guint destroyed = 0;
  GError *error = NULL;

  assert_invalid (deye_bus_collector_add_operation (f->collector, "No.Segment", NULL, DEYE_BUS_OPERATION_NONE,
                                                    collector_on_work, &destroyed, count_destroyed, &error),
                  &error);
  assert_invalid (deye_bus_collector_add_operation (f->collector, "scan", NULL, DEYE_BUS_OPERATION_NONE,
                                                    collector_on_work, &destroyed, count_destroyed, &error),
                  &error);
  g_assert_cmpuint (destroyed, ==, 2);
  assert_invalid (deye_bus_collector_remove_operation (f->collector, "none", &error), &error);
  assert_invalid (deye_bus_collector_set_operation_limits (f->collector, "scan", -1, 0, &error), &error);
  assert_invalid (deye_bus_collector_add_tag (f->collector, "", "x", &error), &error);
  assert_invalid (deye_bus_collector_add_tag (f->collector, "a=b", "x", &error), &error);
  assert_invalid (deye_bus_collector_add_tag (f->collector, "a", long_tag, &error), &error);
  assert_invalid (deye_bus_collector_start (bare, &error), &error);
  collector_fixture_start (f);
  assert_invalid (deye_bus_collector_start (second, &error), &error);
  g_assert_true (deye_bus_collector_start (f->collector, NULL));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/collector/" path, Fixture, NULL, collector_fixture_set_up, function, collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("register", test_register);
  ADD ("refused", test_refused);
  ADD ("without-tasks", test_without_tasks);
  ADD ("started", test_started);
  ADD ("connected-before", test_connected);
  ADD ("update", test_update);
  ADD ("M16-verify", test_verify);
  ADD ("execute", test_execute);
  ADD ("at-once", test_at_once);
  ADD ("K06-written-in-handler", test_written_in_handler);
  ADD ("cancel-in-same-read", test_cancel_in_same_read);
  ADD ("cancel-during-handler", test_cancel_during_handler);
  ADD ("cancel", test_cancel);
  ADD ("other-sender", test_other_sender);
  ADD ("hostile", test_hostile);
  ADD ("extreme", test_extreme);
  ADD ("busy", test_busy);
  ADD ("unknown-operation", test_unknown_operation);
  ADD ("misuse", test_misuse);
  return g_test_run ();
}
