/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

/* A gather, from the view of the client that asks. */

typedef ClientFixture Fixture;

static const ScriptEntry two_answered[] = { { .id = "procmond-1", .answer = CLASS (ANSWERED) },
                                            { .id = "procmond-2", .answer = CLASS (ANSWERED) },
                                            { .id = NULL } };
static const ScriptEntry one_died[] = { { .id = "procmond-1", .answer = CLASS (ANSWERED) },
                                        { .id = "procmond-2", .answer = CLASS (DIED), .text = "killed" },
                                        { .id = NULL } };

static DeyeBusGatherSpec *
spec_all (void)
{
  DeyeBusGatherSpec *spec = deye_bus_gather_spec_new ("scan");

  deye_bus_gather_spec_set_require_all (spec);
  return spec;
}

/* Asks; the answers of the broker were scripted before. */
static DeyeBusGather *
ask (Fixture *f)
{
  g_autoptr (DeyeBusGatherSpec) spec = spec_all ();
  g_autoptr (GError) error = NULL;
  DeyeBusGather *gather;

  client_fixture_send (f);
  gather = deye_bus_client_gather (f->client, spec, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (gather);
  g_assert_true (deye_bus_gather_is_ended (gather));
  return gather;
}

static DeyeBusGather *
begin (Fixture *f)
{
  g_autoptr (DeyeBusGatherSpec) spec = spec_all ();
  g_autoptr (GError) error = NULL;
  DeyeBusGather *gather;

  client_fixture_connect (f, &with_gather);
  gather = deye_bus_client_gather_begin (f->client, spec, &error);
  g_assert_no_error (error);
  return gather;
}

static void
assert_answer (DeyeBusGatherAnswer *answer, guint index, const char *id, const char *payload)
{
  g_autoptr (GBytes) held = NULL;
  gsize len = 0;
  const void *bytes;

  g_assert_nonnull (answer);
  held = deye_bus_gather_answer_dup_payload (answer);
  bytes = g_bytes_get_data (held, &len);
  g_assert_cmpuint (deye_bus_gather_answer_get_index (answer), ==, index);
  g_assert_cmpstr (deye_bus_gather_answer_get_id (answer), ==, id);
  g_assert_cmpstr (deye_bus_gather_answer_get_payload_type (answer), ==, "org.example.Rows");
  g_assert_cmpuint (deye_bus_gather_answer_get_attempt (answer), ==, 1);
  g_assert_cmpuint (deye_bus_gather_answer_get_incarnation (answer), ==, 77);
  g_assert_cmpmem (bytes, len, payload, strlen (payload));
}

/* Asserts that the first call fails, and that the second one returns the @n answers. */
static void
assert_partial (DeyeBusGather *gather, DeyeBusError code, guint n)
{
  g_autolist (DeyeBusGatherAnswer) refused = NULL;
  g_autolist (DeyeBusGatherAnswer) accepted = NULL;
  g_autoptr (GError) error = NULL;

  refused = deye_bus_gather_get_answers (gather, &error);
  g_assert_error (error, DEYE_BUS_ERROR, (gint) code);
  g_assert_null (refused);
  accepted = deye_bus_gather_accept_partial (gather, NULL);
  g_assert_cmpuint (g_list_length (accepted), ==, n);
}

/* --- all at once --- */

/* The answers are returned in the order of the manifest, not of their arrival. */
static void
test_complete (Fixture *f, gconstpointer data)
{
  ScriptExtent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autolist (DeyeBusGatherAnswer) answers = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autoptr (DeyeBusExtent) said = NULL;
  guint64 rows = 0;

  extent.rows = 5;
  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 1, "procmond-2", "b", NULL);
  gather_script_answer (f->in, 0, "procmond-1", "a", &extent);
  gather_script_end (f->in, gather_script_manifest (two_answered, TRUE));
  gather = ask (f);
  answers = deye_bus_gather_get_answers (gather, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_length (answers), ==, 2);
  assert_answer (answers->data, 0, "procmond-1", "a");
  assert_answer (answers->next->data, 1, "procmond-2", "b");
  said = deye_bus_gather_answer_dup_extent (answers->data);
  g_assert_true (deye_bus_extent_get_rows (said, &rows));
  g_assert_cmpuint (rows, ==, 5);
  g_assert_null (deye_bus_gather_answer_dup_extent (answers->next->data));
  manifest = deye_bus_gather_dup_manifest (gather);
  g_assert_cmpint (deye_bus_manifest_get_verdict (manifest), ==, DEYE_BUS_GATHER_VERDICT_COMPLETE);
  g_assert_cmpuint (deye_bus_manifest_get_expected (manifest), ==, 2);
}

/* An extent whose fields are all 0 is packed to no bytes. It differs from a missing one: nothing was found. */
static void
test_no_rows (Fixture *f, gconstpointer data)
{
  ScriptExtent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autolist (DeyeBusGatherAnswer) answers = NULL;
  g_autoptr (DeyeBusExtent) said = NULL;
  guint64 rows = 1;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", "", &extent);
  gather_script_answer (f->in, 1, "procmond-2", "", NULL);
  gather_script_end (f->in, gather_script_manifest (two_answered, TRUE));
  gather = ask (f);
  answers = deye_bus_gather_get_answers (gather, NULL);
  g_assert_cmpuint (g_list_length (answers), ==, 2);
  said = deye_bus_gather_answer_dup_extent (answers->data);
  g_assert_nonnull (said);
  g_assert_true (deye_bus_extent_get_rows (said, &rows));
  g_assert_cmpuint (rows, ==, 0);
  g_assert_null (deye_bus_gather_answer_dup_extent (answers->next->data));
}

/* A large payload refers to the received message, and is valid after everything else was freed. */
static void
test_large (Fixture *f, gconstpointer data)
{
  g_autofree char *large = g_strnfill (100000, 'x');
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;
  GList *answers;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", large, NULL);
  gather_script_answer (f->in, 1, "procmond-2", "b", NULL);
  gather_script_end (f->in, gather_script_manifest (two_answered, TRUE));
  gather = ask (f);
  answers = deye_bus_gather_get_answers (gather, &error);
  g_assert_no_error (error);
  assert_answer (answers->data, 0, "procmond-1", large);
  assert_answer (answers->next->data, 1, "procmond-2", "b");
  payload = deye_bus_gather_answer_dup_payload (answers->data);
  g_list_free_full (answers, (GDestroyNotify) deye_bus_gather_answer_unref);
  g_clear_object (&gather);
  g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), large, 100000);
}

/* An error of the broker does not discard the answers or the manifest that it contains. */
static void
test_partial (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autolist (DeyeBusGatherAnswer) accepted = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  gather = ask (f);
  assert_partial (gather, DEYE_BUS_ERROR_PARTIAL, 1);
  g_assert_null (deye_bus_gather_get_answers (gather, &error));
  g_assert_nonnull (strstr (error->message, "1 of 2 answered"));
  g_assert_nonnull (strstr (error->message, "procmond-2 (died)"));
  g_assert_nonnull (strstr (error->message, "deye_bus_gather_accept_partial()"));
  accepted = deye_bus_gather_accept_partial (gather, NULL);
  assert_answer (accepted->data, 0, "procmond-1", "a");
  manifest = deye_bus_gather_dup_manifest (gather);
  g_assert_cmpuint (deye_bus_manifest_get_count (manifest, DEYE_BUS_ANSWER_CLASS_DIED), ==, 1);
}

/* With the requirement "any", a partial answer is not an error. */
static void
test_any (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autolist (DeyeBusGatherAnswer) answers = NULL;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  gather_script_end (f->in, gather_script_manifest (one_died, TRUE));
  gather = ask (f);
  answers = deye_bus_gather_get_answers (gather, NULL);
  g_assert_cmpuint (g_list_length (answers), ==, 1);
  manifest = deye_bus_gather_dup_manifest (gather);
  g_assert_cmpint (deye_bus_manifest_get_verdict (manifest), ==, DEYE_BUS_GATHER_VERDICT_PARTIAL);
}

/* The broker refuses the question: there are no answers. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGatherSpec) spec = spec_all ();
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_gather);
  script_error (f->in, GATHER_REQUEST, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  g_assert_null (deye_bus_client_gather (f->client, spec, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
}

/* The connection ends after the first answer, which is not lost. */
static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = NULL;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  client_fixture_send (f);
  client_fixture_disconnect (f);
  gather = ask (f);
  assert_partial (gather, DEYE_BUS_ERROR_UNKNOWN, 1);
  g_assert_null (deye_bus_gather_dup_manifest (gather));
}

/* --- wrong frames of a broker --- */

static void
script_second (Fixture *f)
{
  gather_script_answer (f->in, 0, "procmond-1", "b", NULL);
  gather_script_end (f->in, gather_script_manifest (one_died, TRUE));
}

static void
script_uncounted (Fixture *f)
{
  gather_script_end (f->in, gather_script_manifest (two_answered, TRUE));
}

static void
script_garbage (Fixture *f)
{
  gather_script_reply (f->in, WIRE_FLAG_PROGRESS, WIRE_STATUS_OK, "\xff", 1);
  gather_script_end (f->in, gather_script_manifest (one_died, TRUE));
}

static void
script_garbage_at_end (Fixture *f)
{
  gather_script_reply (f->in, WIRE_FLAG_FINAL, WIRE_STATUS_OK, "\xff", 1);
}

static void
script_garbage_as_error (Fixture *f)
{
  gather_script_reply (f->in, WIRE_FLAG_FINAL, WIRE_STATUS_PARTIAL, "\xff", 1);
}

static void
script_wrong_sum (Fixture *f)
{
  ScriptManifest *manifest = gather_script_manifest (one_died, TRUE);

  manifest->died = 2;
  gather_script_end (f->in, manifest);
}

static void (*const errors[]) (Fixture *) = { script_second,         script_uncounted,        script_garbage,
                                              script_garbage_at_end, script_garbage_as_error, script_wrong_sum };

/* In each case the answer that has arrived is kept, but the requirement is not met. */
static void
test_broker_errs (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = NULL;

  client_fixture_connect (f, &with_gather);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  errors[GPOINTER_TO_UINT (data)](f);
  gather = ask (f);
  assert_partial (gather, DEYE_BUS_ERROR_PROTOCOL, 1);
}

/* --- one after the other --- */

static void
test_next (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_autoptr (DeyeBusGatherAnswer) answer = NULL;
  g_autolist (DeyeBusGatherAnswer) rest = NULL;
  g_autoptr (GError) error = NULL;

  gather_script_answer (f->in, 1, "procmond-2", "b", NULL);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  client_fixture_send (f);
  answer = deye_bus_gather_next (gather, NULL, &error);
  assert_answer (answer, 1, "procmond-2", "b");
  g_assert_false (deye_bus_gather_is_ended (gather));
  g_assert_null (deye_bus_gather_dup_manifest (gather));
  g_assert_null (deye_bus_gather_get_answers (gather, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_null (deye_bus_gather_accept_partial (gather, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  gather_script_end (f->in, gather_script_manifest (two_answered, TRUE));
  client_fixture_send (f);
  deye_bus_gather_answer_unref (g_steal_pointer (&answer));
  answer = deye_bus_gather_next (gather, NULL, &error);
  assert_answer (answer, 0, "procmond-1", "a");
  for (guint i = 0; i < 2; i++) /* a repeated call returns the same */
    {
      g_assert_null (deye_bus_gather_next (gather, NULL, &error));
      g_assert_no_error (error);
    }
  rest = deye_bus_gather_get_answers (gather, NULL);
  g_assert_cmpuint (g_list_length (rest), ==, 0);
}

/* The last call fails, so the answers before it are only a part. */
static void
test_next_partial (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_autoptr (DeyeBusGatherAnswer) answer = NULL;

  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  client_fixture_send (f);
  answer = deye_bus_gather_next (gather, NULL, NULL);
  g_assert_nonnull (answer);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (deye_bus_gather_next (gather, NULL, &error));
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL);
    }
  manifest = deye_bus_gather_dup_manifest (gather);
  g_assert_nonnull (manifest);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_gather_cancel (gather);
  g_assert_null (deye_bus_gather_next (gather, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
}

/* The gather is freed before all answers have arrived. */
static void
test_freed (Fixture *f, gconstpointer data)
{
  DeyeBusGather *gather = begin (f);
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_finalize_object (gather);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
}

static void
test_bare (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = g_object_new (DEYE_BUS_TYPE_GATHER, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (deye_bus_gather_next (gather, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  deye_bus_gather_cancel (gather);
  g_assert_null (deye_bus_gather_dup_manifest (gather));
}

/* --- asynchronous --- */

static void
test_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGatherSpec) spec = spec_all ();
  g_auto (ClientResult) end = { 0 };
  g_autoptr (DeyeBusGather) gather = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_gather);
  deye_bus_client_gather_async (f->client, spec, NULL, client_result_set, &end);
  client_fixture_settle (f);
  g_assert_cmpuint (end.calls, ==, 0);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  client_fixture_send (f);
  client_fixture_wait (f, end.calls > 0);
  gather = deye_bus_client_gather_finish (f->client, end.result, &error);
  g_assert_no_error (error);
  assert_partial (gather, DEYE_BUS_ERROR_PARTIAL, 1);
}

/* Cancelling the call cancels the question. */
static void
test_async_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGatherSpec) spec = spec_all ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) end = { 0 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &with_gather);
  deye_bus_client_gather_async (f->client, spec, cancellable, client_result_set, &end);
  client_fixture_settle (f);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, end.calls > 0);
  g_assert_null (deye_bus_client_gather_finish (f->client, end.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
}

static void
test_next_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_auto (ClientResult) first = { 0 };
  g_auto (ClientResult) second = { 0 };
  g_autoptr (DeyeBusGatherAnswer) answer = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_gather_next_async (gather, NULL, client_result_set, &first);
  g_assert_null (deye_bus_gather_next (gather, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  gather_script_answer (f->in, 0, "procmond-1", "a", NULL);
  client_fixture_send (f);
  client_fixture_wait (f, first.calls > 0);
  answer = deye_bus_gather_next_finish (gather, first.result, &error);
  assert_answer (answer, 0, "procmond-1", "a");
  deye_bus_gather_next_async (gather, NULL, client_result_set, &second);
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  client_fixture_send (f);
  client_fixture_wait (f, second.calls > 0);
  g_assert_null (deye_bus_gather_next_finish (gather, second.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL);
}

/* A binding disposes the question while a call waits: the call fails, also if an answer or the end of the connection follows. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_auto (ClientResult) waiting = { 0 };
  g_auto (ClientResult) later = { 0 };
  g_autoptr (GPtrArray) frames = NULL;

  deye_bus_gather_next_async (gather, NULL, client_result_set, &waiting);
  client_fixture_settle (f);
  g_object_run_dispose (G_OBJECT (gather));
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (waiting.calls, ==, 1);
  g_assert_null (deye_bus_gather_next_finish (gather, waiting.result, NULL));
  g_assert_true (deye_bus_gather_is_ended (gather));
  deye_bus_gather_next_async (gather, NULL, client_result_set, &later);
  client_fixture_settle (f);
  g_assert_cmpuint (later.calls, ==, 1);
  g_assert_null (deye_bus_gather_next_finish (gather, later.result, NULL));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CANCEL), ==, 1);
}

/* @calls: asks again after the first failure, as a program does that takes it for a failure of this call only. */
static void
on_next_ask_again (GObject *source, GAsyncResult *result, gpointer calls)
{
  guint *n = calls;

  g_assert_null (deye_bus_gather_next_finish (DEYE_BUS_GATHER (source), result, NULL));
  *n += 1;
  if (*n == 1)
    deye_bus_gather_next_async (DEYE_BUS_GATHER (source), NULL, on_next_ask_again, calls);
}

static gboolean
on_idle_dispose (gpointer object)
{
  g_object_run_dispose (object);
  return G_SOURCE_REMOVE;
}

/* The same in a source, where the waiting call completes inside run_dispose(): its callback calls next_async() again. */
static void
test_disposed_and_asked (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusGather) gather = begin (f);
  g_autoptr (GSource) source = g_idle_source_new ();
  guint calls = 0;

  deye_bus_gather_next_async (gather, NULL, on_next_ask_again, &calls);
  client_fixture_settle (f);
  g_source_set_callback (source, on_idle_dispose, gather, NULL);
  g_source_attach (source, f->context);
  client_fixture_settle (f);
  g_assert_true (g_source_is_destroyed (source));
  gather_script_end (f->in, gather_script_manifest (one_died, FALSE));
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (calls, ==, 2);
}

#define ADD_DATA(path, function, data)                                                                                 \
  g_test_add ("/client/gather/" path, Fixture, data, client_fixture_set_up, function, client_fixture_tear_down)
#define ADD(path, function) ADD_DATA (path, function, NULL)

int
main (int argc, char **argv)
{
  static const char *const error_names[]
      = { "second-answer", "uncounted", "garbage", "garbage-at-end", "garbage-as-error", "wrong-sum" };

  g_test_init (&argc, &argv, NULL);
  ADD ("M12-complete", test_complete);
  ADD ("no-rows", test_no_rows);
  ADD ("M12-large", test_large);
  ADD ("D05-partial", test_partial);
  ADD ("D05-any", test_any);
  ADD ("refused", test_refused);
  ADD ("D05-connection-lost", test_connection_lost);
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autofree char *path = g_strconcat ("/client/gather/D06-broker-errs/", error_names[i], NULL);

      g_test_add (path, Fixture, GUINT_TO_POINTER (i), client_fixture_set_up, test_broker_errs,
                  client_fixture_tear_down);
    }
  ADD ("M12-next", test_next);
  ADD ("D05-next-partial", test_next_partial);
  ADD ("cancel", test_cancel);
  ADD ("freed", test_freed);
  ADD ("bare", test_bare);
  ADD ("M12-async", test_async);
  ADD ("async-cancelled", test_async_cancelled);
  ADD ("next-async", test_next_async);
  ADD ("disposed", test_disposed);
  ADD ("disposed-and-asked", test_disposed_and_asked);
  return g_test_run ();
}
