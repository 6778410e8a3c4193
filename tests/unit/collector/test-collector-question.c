/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-question.h"

#include "collector-fixture.h"
#include "collection.pb-c.h"

#include <string.h>

/* One question, asked as a method and as a task: a ProcessQuery, whose answer has as many bytes as its limit. */

typedef CollectorFixture Fixture;
typedef Daemoneye__Eventbus__V1__ProcessQuery Query;

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

#define QUERY_TYPE  "daemoneye.eventbus.v1.ProcessQuery"
#define ANSWER_TYPE "org.example.Bytes"

typedef struct
{
  guint begun;
  guint freed;
  guint steps;
  gsize room;
  guint shard;
  guint shards;
} Seen;

typedef struct
{
  Seen *seen;
  const Query *query;
  guint done;
} Answer;

static gpointer
answer_begin (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const Query *query = message;
  Seen *seen = data;
  Answer *answer;

  seen->room = room;
  if (query->pid == 1)
    *refusal = (CollectorRefusal){ "BadPid", "1 is not a pid", FALSE };
  if (query->pid == 2)
    *refusal = (CollectorRefusal){ "NoPids", "try again", TRUE };
  if (query->pid != 0)
    return NULL;
  seen->begun++;
  answer = g_new0 (Answer, 1);
  *answer = (Answer){ seen, query, 0 };
  return answer;
}

static gboolean
answer_step (gpointer data, guint n, guint *done, guint *total)
{
  Answer *answer = data;

  answer->seen->steps++;
  answer->done += MIN (n, answer->query->limit - answer->done);
  *done = answer->done;
  *total = answer->query->limit;
  return *done < *total;
}

/* An answer that has begun may still be refused. */
static gboolean
answer_check (gpointer data, CollectorRefusal *refusal)
{
  Answer *answer = data;

  if (answer->query->cursor != 0)
    *refusal = (CollectorRefusal){ "Lost", "it was lost", answer->query->cursor == 1 };
  return answer->query->cursor == 0;
}

static GBytes *
answer_pack (gpointer data)
{
  Answer *answer = data;

  return g_bytes_new_take (g_malloc0 (MAX (answer->query->limit, 1)), answer->query->limit);
}

static void
answer_set_part (gpointer data, guint shard, guint shards)
{
  Answer *answer = data;

  answer->seen->shard = shard;
  answer->seen->shards = shards;
}

static void
answer_set_extent (gpointer data, DeyeBusWork *work)
{
  deye_bus_work_set_rows (work, ((Answer *) data)->query->limit);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  answer->seen->freed++;
  g_free (answer);
}

#define QUESTION                                                                                                       \
  .method = "ListBytes", .operation = "list_bytes", .text = "Returns bytes.",                                          \
  .query_type = &daemoneye__eventbus__v1__process_query__descriptor, .answer_type = ANSWER_TYPE,                       \
  .begin = answer_begin, .pack = answer_pack, .free = answer_free

static const CollectorQuestion stepped = { QUESTION, .step = answer_step };
static const CollectorQuestion whole = { QUESTION };
static const CollectorQuestion checked = { QUESTION, .step = answer_step, .check = answer_check };
static const CollectorQuestion parted = { QUESTION, .set_part = answer_set_part, .set_extent = answer_set_extent };

/* --- tasks --- */

static void
execute (Fixture *f, guint64 route, const guint8 *payload, gsize len)
{
  char operation[] = "list_bytes";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.operation = operation;
  execute.payload = (ProtobufCBinaryData){ len, (guint8 *) payload };
  collector_script_execute (f->base.in, route, "t-1", &execute);
  client_fixture_send (&f->base);
}

static void
execute_lost (Fixture *f, guint64 route, guint32 cursor)
{
  Query query = DAEMONEYE__EVENTBUS__V1__PROCESS_QUERY__INIT;
  guint8 payload[64];

  query.limit = 5;
  query.cursor = cursor;
  execute (f, route, payload, daemoneye__eventbus__v1__process_query__pack (&query, payload));
}

static void
execute_query (Fixture *f, guint64 route, guint32 pid, guint32 limit)
{
  Query query = DAEMONEYE__EVENTBUS__V1__PROCESS_QUERY__INIT;
  guint8 payload[64];

  query.pid = pid;
  query.limit = limit;
  execute (f, route, payload, daemoneye__eventbus__v1__process_query__pack (&query, payload));
}

/* The frames until the outcome of @route. */
static GPtrArray *
receive_outcome (Fixture *f, guint kind)
{
  for (;;)
    {
      g_autoptr (GPtrArray) frames = collector_receive (f);
      const ScriptFrame *last = frames->len > 0 ? frames->pdata[frames->len - 1] : NULL;

      if (last != NULL && last->kind == WIRE_KIND_REPLY && (last->flags & WIRE_FLAG_FINAL) != 0)
        {
          collector_assert_outcome (last, 700, kind);
          return g_steal_pointer (&frames);
        }
      g_main_context_iteration (f->base.context, TRUE);
    }
}

static CollectorTasks *
start (Fixture *f, const CollectorQuestion *question, Seen *seen)
{
  CollectorTasks *tasks = collector_tasks_new (question, f->collector, 10, 0, seen, NULL);

  g_assert_nonnull (tasks);
  collector_fixture_start (f);
  return tasks;
}

static void
test_task (Fixture *f, gconstpointer data)
{
  const CollectorQuestion *question = data;
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, question, &seen);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const ScriptOutcome *outcome;

  execute_query (f, 700, 0, 35);
  frames = receive_outcome (f, OUTCOME (SUCCEEDED));
  guard = collector_unpack (frames->pdata[frames->len - 1], &daemoneye__eventbus__v1__outcome__descriptor);
  outcome = wire_guard_message (guard);
  g_assert_cmpuint (outcome->payload.len, ==, 35);
  g_assert_cmpstr (outcome->payload_type, ==, ANSWER_TYPE);
  g_assert_cmpuint (seen.steps, ==, question->step != NULL ? 4 : 0);
  g_assert_cmpuint (seen.freed, ==, 1);
}

static void
test_task_cancelled (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &stepped, &seen);

  execute_query (f, 700, 0, G_MAXUINT32);
  client_fixture_wait (&f->base, seen.steps > 0);
  collector_script_cancel (f->base.in, 700, WIRE_STATUS_CANCELLED);
  client_fixture_send (&f->base);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (CANCELLED)));
  g_assert_cmpuint (seen.freed, ==, 1);
}

/* A task that still runs is dropped when the tasks are freed. */
static void
test_task_given_up (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &stepped, &seen);

  execute_query (f, 700, 0, G_MAXUINT32);
  client_fixture_wait (&f->base, seen.steps > 0);
  g_clear_object (&f->collector);
  g_clear_pointer (&tasks, collector_tasks_free);
  g_assert_cmpuint (seen.freed, ==, seen.begun);
}

static void
test_task_refused (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &stepped, &seen);

  execute_query (f, 700, 1, 0);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (FAILED)));
  execute_query (f, 700, 2, 0);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (RETRYABLE)));
  execute (f, 700, (const guint8 *) "\xff", 1);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (FAILED)));
  g_assert_cmpuint (seen.begun, ==, 0);
}

/* The outcomes of a task: success, a temporary failure and a permanent one. */
static void
test_task_lost (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &checked, &seen);

  execute_lost (f, 700, 0);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (SUCCEEDED)));
  execute_lost (f, 700, 1);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (RETRYABLE)));
  execute_lost (f, 700, 2);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (FAILED)));
  g_assert_cmpuint (seen.freed, ==, 3);
}

/* A task of a divided question contains its part, and its result contains the part that it covers. */
static void
test_task_part (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &parted, &seen);
  char operation[] = "list_bytes";
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const ScriptOutcome *outcome;

  execute.operation = operation;
  execute.shard = 2;
  execute.shards = 5;
  execute.payload = (ProtobufCBinaryData){ 2, (guint8 *) "\x18\x07" }; /* a limit of 7 */
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  client_fixture_send (&f->base);
  frames = receive_outcome (f, OUTCOME (SUCCEEDED));
  guard = collector_unpack (frames->pdata[frames->len - 1], &daemoneye__eventbus__v1__outcome__descriptor);
  outcome = wire_guard_message (guard);
  g_assert_nonnull (outcome->extent);
  g_assert_cmpuint (outcome->extent->rows, ==, 7);
  g_assert_cmpuint (seen.shard, ==, 2);
  g_assert_cmpuint (seen.shards, ==, 5);
  execute_query (f, 700, 0, 1);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (SUCCEEDED)));
  g_assert_cmpuint (seen.shards, ==, 5); /* a question that is not divided has no part */
}

/* The result of a task has less room than the reply of a method. */
static void
test_room (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &whole, &seen);

  execute_query (f, 700, 0, 1);
  g_ptr_array_unref (receive_outcome (f, OUTCOME (SUCCEEDED)));
  g_assert_cmpuint (seen.room, >, (1u << 20) - (17u << 10));
  g_assert_cmpuint (seen.room, <, (1u << 20) - (16u << 10));
}

static void
test_operation_exists (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (CollectorTasks) tasks = start (f, &whole, &seen);

  g_assert_null (collector_tasks_new (&whole, f->collector, 1, 0, &seen, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
}

/* --- the method --- */

typedef struct
{
  guint32 pid;
  guint32 limit;
  const char *payload; /* (nullable): instead of a query */
  const char *error;   /* NULL: an answer */
  guint32 cursor;
} Call;

static const Call calls[] = {
  { 0, 35, NULL, NULL, 0 },
  { 1, 0, NULL, "BadPid", 0 },
  { 2, 0, NULL, "NoPids", 0 },
  { 0, 0, "\xff", "BadRequest", 0 },
  { 0, 2u << 20, NULL, "ResultTooLarge", 0 },
};
static const Call lost[] = { { 0, 35, NULL, "Lost", 1 } };

static void
ask (Fixture *f, const Call *call)
{
  Query query = DAEMONEYE__EVENTBUS__V1__PROCESS_QUERY__INIT;
  const guint32 subscription = 1;
  guint8 packed[5], payload[64];
  WireEnvelope envelope;

  query.pid = call->pid;
  query.limit = call->limit;
  query.cursor = call->cursor;
  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str ("tool");
  envelope.accept_seq = 1;
  envelope.route_id = 700;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (&subscription, 1, packed));
  envelope.topic = WIRE_SPAN_LITERAL ("control.collector.tester");
  envelope.method = WIRE_SPAN_LITERAL ("ListBytes");
  envelope.payload = call->payload != NULL
                         ? wire_span_str (call->payload)
                         : wire_span (payload, daemoneye__eventbus__v1__process_query__pack (&query, payload));
  script_frame (f->base.in, WIRE_KIND_REQUEST, 0, &envelope);
  client_fixture_send_and_settle (&f->base);
}

static void
call_all (Fixture *f, const CollectorQuestion *question, const Call *list, guint n, Seen *seen)
{
  const ScriptWelcome welcome = { .features = WIRE_FEATURE_PEER_METHODS };
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("org.example.Bytes", "Bytes.");
  g_auto (ClientResult) result = { NULL, 0 };

  collector_question_add_method (question, service, seen);
  g_assert_true (deye_bus_client_add_service (f->base.client, service, NULL));
  deye_bus_client_connect_async (f->base.client, NULL, client_result_set, &result);
  script_welcome (f->base.in, &welcome);
  client_fixture_send_and_settle (&f->base);
  script_subscribe_reply (f->base.in, 2, 100, 100000);
  client_fixture_send (&f->base);
  client_fixture_wait (&f->base, result.calls == 1);
  g_ptr_array_unref (collector_receive (f));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) frames = NULL;
      const WireEnvelope *reply;

      ask (f, &list[i]);
      frames = collector_receive (f);
      g_assert_cmpuint (frames->len, ==, 1);
      reply = &((const ScriptFrame *) frames->pdata[0])->envelope;
      g_assert_true (wire_span_equal (reply->error_name, wire_span_str (list[i].error != NULL ? list[i].error : "")));
      if (list[i].error == NULL)
        g_assert_cmpuint (reply->payload.len, ==, list[i].limit);
    }
}

static void
test_method (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };

  call_all (f, data, calls, G_N_ELEMENTS (calls), &seen);
  g_assert_cmpuint (seen.begun, ==, 2);
  g_assert_cmpuint (seen.freed, ==, 2);
}

static void
test_method_lost (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };

  call_all (f, &checked, lost, G_N_ELEMENTS (lost), &seen);
  g_assert_cmpuint (seen.freed, ==, 1);
}

#define ADD(path, function, data)                                                                                      \
  g_test_add ("/collector/question/" path, Fixture, data, collector_fixture_set_up, function,                          \
              collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("task-in-steps", test_task, &stepped);
  ADD ("task-at-once", test_task, &whole);
  ADD ("task-cancelled", test_task_cancelled, NULL);
  ADD ("task-given-up", test_task_given_up, NULL);
  ADD ("task-refused", test_task_refused, NULL);
  ADD ("task-lost", test_task_lost, NULL);
  ADD ("task-part", test_task_part, NULL);
  ADD ("room", test_room, NULL);
  ADD ("operation-exists", test_operation_exists, NULL);
  ADD ("method-in-steps", test_method, &stepped);
  ADD ("method-at-once", test_method, &whole);
  ADD ("method-lost", test_method_lost, NULL);
  return g_test_run ();
}
