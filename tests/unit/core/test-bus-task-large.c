/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-task-store.h"
#include "work/bus-work.h"

/* Large results: the broker keeps the block of their frame instead of a copy. Linked with --wrap. */

static guint n_taken;

guint8 *__real_wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity);
guint8 *__wrap_wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity);

guint8 *
__wrap_wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity)
{
  n_taken++;
  return __real_wire_frame_reader_steal (reader, capacity);
}

static const gsize large_sizes[] = { 16383, 16384, 32767, 32768, 32769, 40000, 200000, 10 };

static void
run_large (Client *agent, Client *worker, guint i)
{
  g_autofree char *id = g_strdup_printf ("t%u", i);
  g_autofree char *payload = g_strnfill (large_sizes[i], (char) ('a' + i));
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, id);
  job = worker_run (worker, id);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
  tasks_assert_state (agent, id, BUS_TASK_SUCCEEDED);
}

static void
check_large (Client *agent, guint i)
{
  g_autofree char *id = g_strdup_printf ("t%u", i);
  g_autofree char *payload = g_strnfill (large_sizes[i], (char) ('a' + i));
  const BusTaskResult *result = tasks_find (agent, id)->result;
  gsize len;
  gconstpointer bytes;

  g_assert_nonnull (result->payload);
  bytes = g_bytes_get_data (result->payload, &len);
  g_assert_cmpmem (bytes, len, payload, large_sizes[i]);
}

/* A large result is kept unchanged when later results, large or small, and other frames arrive, and when its collector has
 * disconnected. */
static void
test_kept (Core *core, gconstpointer piece)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);

  worker->piece = GPOINTER_TO_SIZE (piece);
  for (guint i = 0; i < G_N_ELEMENTS (large_sizes); i++)
    run_large (agent, worker, i);
  client_disconnect (worker);
  for (guint i = 0; i < G_N_ELEMENTS (large_sizes); i++)
    check_large (agent, i);
}

/* The block of a large frame becomes the result. If the tasks already use much memory, only a block that was never resized does.
 * @settles: the submitter has taken the first result, which then stays for a while. */
static void
test_taken (Core *core, gconstpointer settles)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);

  n_taken = 0;
  worker->piece = 4000;
  run_large (agent, worker, 5);
  g_assert_cmpuint (n_taken, ==, 1);
  if (settles != NULL)
    daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Settle", "t5", NULL), NULL);
  core->core->limits.task_bytes = 4 * 40000;
  run_large (agent, worker, 4);
  g_assert_cmpuint (n_taken, ==, 1);
  worker->piece = 25000;
  run_large (agent, worker, 3);
  g_assert_cmpuint (n_taken, ==, 2);
  for (guint i = 3; i <= 5; i++)
    check_large (agent, i);
}

/* A correlated answer to a task: it leaves a record in the timeline. */
static void
answer_with_text (Client *worker, const Job *job, gsize payload_len, gsize text_len)
{
  Daemoneye__Eventbus__V1__Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;
  g_autofree char *payload = g_strnfill (payload_len, 'p');
  g_autofree char *text = g_strnfill (text_len, 't');
  g_autofree guint8 *packed = NULL;
  WireEnvelope envelope;

  outcome.token = job->execute->token;
  outcome.kind = DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
  outcome.payload = (ProtobufCBinaryData){ payload_len, (guint8 *) payload };
  outcome.error_text = text;
  packed = g_malloc (protobuf_c_message_get_packed_size (&outcome.base));
  wire_envelope_init (&envelope);
  envelope.route = job->route;
  envelope.root_id = WIRE_SPAN_LITERAL ("the root");
  envelope.payload = wire_span (packed, protobuf_c_message_pack (&outcome.base, packed));
  client_send (worker, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
}

/* A block that is much larger than its payload is not kept, because only the payload is charged. */
static void
test_mostly_text (Core *core, gconstpointer data)
{
  static const gsize texts[] = { 1000, 10000 };
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);

  worker->piece = 25000;
  n_taken = 0;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) job = NULL;

      tasks_submit (agent, id);
      job = worker_run (worker, id);
      answer_with_text (worker, job, 40000, texts[i]);
      tasks_assert_state (agent, id, BUS_TASK_SUCCEEDED);
      g_assert_cmpuint (g_bytes_get_size (tasks_find (agent, id)->result->payload), ==, 40000);
      g_assert_cmpuint (n_taken, ==, 1);
    }
}

/* An answer with a wrong token is refused: nothing keeps its frame, which the record in the timeline still reads. */
static void
test_refused (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 4);
  g_autoptr (Job) job = NULL;

  worker->piece = 25000;
  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  job->execute->token.data[0] ^= 1;
  answer_with_text (worker, job, 70000, 10);
  worker_expect_stale (worker);
  g_assert_null (tasks_find (agent, "t")->result);
}

static void
setup (Core *core, gconstpointer data)
{
  tasks_setup (core, NULL);
}

#define ADD(path, function, data) g_test_add ("/core/work/large/" path, Core, data, setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M11-kept", test_kept, NULL);
  ADD ("M11-kept-split", test_kept, GSIZE_TO_POINTER (25000));
  ADD ("M11-kept-most", test_kept, GSIZE_TO_POINTER (50000));
  ADD ("M11-taken", test_taken, NULL);
  ADD ("M11-taken-settled", test_taken, "settles");
  ADD ("M11-mostly-text", test_mostly_text, NULL);
  ADD ("M11-refused", test_refused, NULL);
  return g_test_run ();
}
