/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

/* Reports of the handler of a task, from any thread: progress and the outcome. */

typedef CollectorFixture Fixture;

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

/* Starts the handler of "t-1" under the route 700; the broker has received STARTED. */
static void
start_work (Fixture *f, guint64 progress_us)
{
  g_autoptr (GPtrArray) frames = NULL;
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.progress_us = progress_us;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", &execute);
  client_fixture_send_and_settle (&f->base);
  frames = collector_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_progress (frames->pdata[0], 700, TRUE, 0);
}

static GPtrArray *
settle_and_receive (Fixture *f)
{
  client_fixture_settle (&f->base);
  return collector_receive (f);
}

static void
report (Fixture *f, guint64 done)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_work_progress (f->log.work, done, 10, "scans", NULL, &error));
  g_assert_no_error (error);
}

/* --- progress --- */

/* The first report is sent at once, and of the later ones only the newest, with the outcome. */
static void
test_progress_limited (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) held = NULL;
  g_autoptr (GPtrArray) last = NULL;

  start_work (f, 4 * 3600 * (guint64) G_TIME_SPAN_SECOND);
  report (f, 1);
  first = settle_and_receive (f);
  g_assert_cmpuint (first->len, ==, 1);
  collector_assert_progress (first->pdata[0], 700, FALSE, 1);
  report (f, 2);
  report (f, 3);
  held = settle_and_receive (f);
  g_assert_cmpuint (held->len, ==, 0);
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  last = settle_and_receive (f);
  g_assert_cmpuint (last->len, ==, 2);
  collector_assert_progress (last->pdata[0], 700, FALSE, 3);
  collector_assert_outcome (last->pdata[1], 700, OUTCOME (SUCCEEDED));
}

/* A timer sends a report that was held back; no further call is needed. */
static void
test_progress_by_timer (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  start_work (f, 4000);
  report (f, 1);
  frames = settle_and_receive (f);
  report (f, 2);
  for (guint64 done = 0; done != 2;)
    {
      g_clear_pointer (&frames, g_ptr_array_unref);
      g_main_context_iteration (f->base.context, TRUE);
      frames = collector_receive (f);
      if (frames->len > 0)
        {
          g_autoptr (WireGuard) guard
              = collector_unpack (frames->pdata[frames->len - 1], &daemoneye__eventbus__v1__progress__descriptor);

          done = ((const ScriptProgress *) wire_guard_message (guard))->done;
        }
    }
}

static void
test_progress_fields (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GBytes) details = g_bytes_new_static ("at 17", 5);
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (4097), 4097);
  g_autofree char *text = g_strnfill (300, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const ScriptProgress *progress;

  memcpy (text + 255, "\xc3\xa4", 2); /* a letter of two bytes at the limit */
  start_work (f, 1000000);
  g_assert_false (deye_bus_work_progress (f->log.work, 1, 2, NULL, large, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_true (deye_bus_work_progress (f->log.work, 17, 20, text, details, NULL));
  frames = settle_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  guard = collector_unpack (frames->pdata[0], &daemoneye__eventbus__v1__progress__descriptor);
  progress = wire_guard_message (guard);
  g_assert_cmpuint (progress->total, ==, 20);
  g_assert_cmpuint (strlen (progress->text), ==, 255);
  g_assert_cmpmem (progress->details.data, progress->details.len, "at 17", 5);
}

/* --- outcomes --- */

static void
end_succeed (DeyeBusWork *work)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("result", 6);

  g_assert_true (deye_bus_work_succeed (work, payload, "org.example.Result", NULL));
}

static void
end_fail (DeyeBusWork *work)
{
  g_assert_true (deye_bus_work_fail (work, "org.example.NoDisk", "no disk", NULL));
}

static void
end_retry (DeyeBusWork *work)
{
  g_assert_true (deye_bus_work_retry (work, "busy disk", 5000000, NULL));
}

static const struct
{
  void (*end) (DeyeBusWork *work);
  guint32 kind;
  const char *payload;
  const char *payload_type;
  const char *error_name;
  const char *error_text;
  guint64 retry_after_us;
} ends[] = {
  { end_succeed, OUTCOME (SUCCEEDED), "result", "org.example.Result", "", "", 0 },
  { end_fail, OUTCOME (FAILED), "", "", "org.example.NoDisk", "no disk", 0 },
  { end_retry, OUTCOME (RETRYABLE), "", "", "Retry", "busy disk", 5000000 },
};

static void
assert_ended (DeyeBusWork *work)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_work_is_ended (work));
  g_assert_false (deye_bus_work_succeed (work, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (deye_bus_work_progress (work, 1, 1, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
}

/* A work can be ended in several ways, and each outcome is sent once. */
static void
test_outcomes (Fixture *f, gconstpointer data)
{
  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (GPtrArray) started = NULL;
      g_autoptr (GPtrArray) frames = NULL;
      g_autoptr (WireGuard) guard = NULL;
      const ScriptOutcome *outcome;

      collector_script_execute (f->base.in, 700 + i, "t-1", NULL);
      client_fixture_send (&f->base);
      started = settle_and_receive (f);
      ends[i].end (f->log.work);
      frames = settle_and_receive (f);
      g_assert_cmpuint (frames->len, ==, 1);
      collector_assert_outcome (frames->pdata[0], 700 + i, ends[i].kind);
      guard = collector_unpack (frames->pdata[0], &daemoneye__eventbus__v1__outcome__descriptor);
      outcome = wire_guard_message (guard);
      g_assert_cmpmem (outcome->payload.data, outcome->payload.len, ends[i].payload, strlen (ends[i].payload));
      g_assert_cmpstr (outcome->payload_type, ==, ends[i].payload_type);
      g_assert_cmpstr (outcome->error_name, ==, ends[i].error_name);
      g_assert_cmpstr (outcome->error_text, ==, ends[i].error_text);
      g_assert_cmpuint (outcome->retry_after_us, ==, ends[i].retry_after_us);
      assert_ended (f->log.work);
    }
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
}

/* Ends the work with a result of @len bytes. Returns its bytes. */
static GBytes *
succeed_with (DeyeBusWork *work, gsize len)
{
  guint8 *bytes = g_malloc (len);
  GBytes *payload = g_bytes_new_take (bytes, len);

  for (gsize i = 0; i < len; i++)
    bytes[i] = (guint8) (i * 7 + i / 256);
  deye_bus_work_set_rows (work, len);
  g_assert_true (deye_bus_work_succeed (work, payload, "org.example.Result", NULL));
  return payload;
}

static void
assert_result (const ScriptFrame *frame, GBytes *payload)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__outcome__descriptor);
  const ScriptOutcome *outcome = wire_guard_message (guard);

  g_assert_cmpmem (outcome->payload.data, outcome->payload.len, g_bytes_get_data (payload, NULL),
                   g_bytes_get_size (payload));
  g_assert_cmpstr (outcome->payload_type, ==, "org.example.Result");
  g_assert_nonnull (outcome->extent);
  g_assert_cmpuint (outcome->extent->rows, ==, g_bytes_get_size (payload));
}

/* The broker unpacks what was sent, whether the result is copied into the frame or referenced by it. */
static void
test_result_sizes (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 1, 127, 128, 8191, 8192, 8193, 16384, 300000 };

  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GPtrArray) started = NULL;
      g_autoptr (GPtrArray) frames = NULL;
      g_autoptr (GBytes) payload = NULL;

      collector_script_execute (f->base.in, 700 + i, "t-1", NULL);
      client_fixture_send (&f->base);
      started = settle_and_receive (f);
      payload = succeed_with (f->log.work, sizes[i]);
      frames = settle_and_receive (f);
      g_assert_cmpuint (frames->len, ==, 1);
      collector_assert_outcome (frames->pdata[0], 700 + i, OUTCOME (SUCCEEDED));
      assert_result (frames->pdata[0], payload);
    }
}

/* --- the extent of a result --- */

static void
set_extents (DeyeBusWork *work)
{
  deye_bus_work_set_rows (work, 7);
  deye_bus_work_set_truncated (work, 5);
  deye_bus_work_set_period (work, 1000, 2000, 3);
  deye_bus_work_set_share (work, 2000);
  deye_bus_work_set_age (work, 9);
  deye_bus_work_set_configuration (work, "\xff"
                                         "0123456789012345678901234567890123456789012345678901234567890\xc3\xa4");
}

/* Returns the outcome of "t-1", whose handler calls @set and then @end. */
static WireGuard *
end_and_receive (Fixture *f, void (*set) (DeyeBusWork *work), void (*end) (DeyeBusWork *work))
{
  g_autoptr (GPtrArray) frames = NULL;

  start_work (f, 0);
  if (set != NULL)
    set (f->log.work);
  end (f->log.work);
  frames = settle_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  return collector_unpack (frames->pdata[0], &daemoneye__eventbus__v1__outcome__descriptor);
}

/* The share is bounded to 1,000 permille, and the revision is cut to valid text. */
static void
test_extent (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = end_and_receive (f, set_extents, end_succeed);
  const Daemoneye__Eventbus__V1__Extent *extent = ((const ScriptOutcome *) wire_guard_message (guard))->extent;

  g_assert_nonnull (extent);
  g_assert_false (extent->is_uncounted);
  g_assert_cmpuint (extent->rows, ==, 7);
  g_assert_true (extent->is_truncated);
  g_assert_cmpuint (extent->limit, ==, 5);
  g_assert_cmpuint (extent->from_time_us, ==, 1000);
  g_assert_cmpuint (extent->to_time_us, ==, 2000);
  g_assert_cmpuint (extent->gaps, ==, 3);
  g_assert_cmpuint (extent->share_permille, ==, 1000);
  g_assert_cmpuint (extent->age_us, ==, 9);
  g_assert_cmpstr (extent->configuration, ==,
                   "\xef\xbf\xbd"
                   "0123456789012345678901234567890123456789012345678901234567890");
}

static void
set_share (DeyeBusWork *work)
{
  deye_bus_work_set_share (work, 900);
}

/* An extent without a count differs from a count of 0. */
static void
test_extent_uncounted (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = end_and_receive (f, set_share, end_succeed);
  const ScriptOutcome *outcome = wire_guard_message (guard);

  g_assert_nonnull (outcome->extent);
  g_assert_true (outcome->extent->is_uncounted);
  g_assert_cmpuint (outcome->extent->share_permille, ==, 900);
}

static void
set_no_rows (DeyeBusWork *work)
{
  deye_bus_work_set_rows (work, 0);
}

/* All fields of the extent are 0, so it is packed to no bytes. It is sent nevertheless: nothing was found. */
static void
test_extent_no_rows (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = end_and_receive (f, set_no_rows, end_succeed);
  const ScriptOutcome *outcome = wire_guard_message (guard);

  g_assert_nonnull (outcome->extent);
  g_assert_false (outcome->extent->is_uncounted);
  g_assert_cmpuint (outcome->extent->rows, ==, 0);
}

static void
test_extent_unset (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = end_and_receive (f, NULL, end_succeed);

  g_assert_null (((const ScriptOutcome *) wire_guard_message (guard))->extent);
}

/* A failure has no extent. After the end, the extent cannot be set. */
static void
test_extent_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = end_and_receive (f, set_extents, end_fail);

  g_assert_null (((const ScriptOutcome *) wire_guard_message (guard))->extent);
  set_extents (f->log.work);
  client_fixture_settle (&f->base);
}

static void
test_shard (Fixture *f, gconstpointer data)
{
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.shard = 2;
  execute.shards = 3;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "gather.1.2", &execute);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (deye_bus_work_get_shard (f->log.work), ==, 2);
  g_assert_cmpuint (deye_bus_work_get_shards (f->log.work), ==, 3);
}

/* A shard number that does not exist is refused. */
static void
test_shard_beyond (Fixture *f, gconstpointer data)
{
  static const guint shards[] = { 2, 0 };

  collector_fixture_start (f);
  for (guint i = 0; i < G_N_ELEMENTS (shards); i++)
    {
      ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

      execute.shard = 2;
      execute.shards = shards[i];
      collector_script_execute (f->base.in, 700 + i, "gather.1.2", &execute);
      client_fixture_send_and_settle (&f->base);
    }
  g_assert_cmpuint (f->log.calls, ==, 0);
}

/* The largest payload of the script is 1 MiB; token and texts need 16 KiB of it. */
static void
assert_largest (Fixture *f, gsize largest)
{
  g_autoptr (GBytes) over = g_bytes_new_take (g_malloc0 (largest + 1), largest + 1);
  g_autoptr (GBytes) fits = g_bytes_new_from_bytes (over, 0, largest);
  g_autoptr (GError) error = NULL;

  start_work (f, 0);
  g_assert_false (deye_bus_work_succeed (f->log.work, over, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_false (deye_bus_work_is_ended (f->log.work));
  g_assert_true (deye_bus_work_succeed (f->log.work, fits, NULL, NULL));
  for (guint n = 0; n == 0;)
    {
      g_autoptr (GPtrArray) frames = settle_and_receive (f);

      n = script_count (frames, WIRE_KIND_REPLY);
    }
}

static void
test_too_large (Fixture *f, gconstpointer data)
{
  assert_largest (f, 1048576 - 16384);
}

/* The same with the smallest value that a broker can have as largest payload. */
static void
test_too_large_for_least (Fixture *f, gconstpointer data)
{
  f->welcome.largest_payload = 16384;
  assert_largest (f, 8192);
}

/* The handler drops its work without an outcome: the task gets another attempt. */
static void
test_dropped (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  f->log.drops = TRUE;
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  client_fixture_send (&f->base);
  frames = settle_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_outcome (frames->pdata[1], 700, OUTCOME (RETRYABLE));
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
}

/* If the work was cancelled before, the task gets no other attempt. */
static void
test_dropped_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  start_work (f, 0);
  collector_script_cancel (f->base.in, 700, WIRE_STATUS_CANCELLED);
  client_fixture_send_and_settle (&f->base);
  g_clear_object (&f->log.work);
  frames = settle_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_outcome (frames->pdata[0], 700, OUTCOME (CANCELLED));
}

/* An object that a binding made without a constructor function. */
static void
test_bare (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusWork) work = g_object_new (DEYE_BUS_TYPE_WORK, NULL);

  g_assert_null (deye_bus_work_get_task_id (work));
  g_assert_null (deye_bus_work_get_payload (work));
  g_assert_nonnull (deye_bus_work_get_cancellable (work));
  g_assert_cmpint (deye_bus_work_get_remaining (work), ==, 0);
  g_assert_cmpuint (deye_bus_work_get_shards (work), ==, 0);
  set_extents (work);
  assert_ended (work);
}

/* --- threads --- */

static gpointer
report_in_thread (gpointer data)
{
  DeyeBusWork *work = data;

  for (guint64 i = 1; i <= 10000; i++)
    g_assert_true (deye_bus_work_progress (work, i, 10000, NULL, NULL, NULL));
  end_succeed (work);
  g_object_unref (work);
  return NULL;
}

/* Reports and the outcome from a thread: the last report is sent, and after it the outcome, once. */
static void
test_thread (Fixture *f, gconstpointer data)
{
  guint64 done = 0;
  guint outcomes = 0;
  GThread *thread;

  start_work (f, 1000000);
  thread = g_thread_new ("handler", report_in_thread, g_steal_pointer (&f->log.work));
  while (outcomes == 0)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_main_context_iteration (f->base.context, TRUE);
      frames = collector_receive (f);
      for (guint i = 0; i < frames->len; i++)
        {
          const ScriptFrame *frame = frames->pdata[i];
          g_autoptr (WireGuard) guard = NULL;

          g_assert_cmpuint (outcomes, ==, 0);
          if (frame->flags & WIRE_FLAG_FINAL)
            {
              outcomes++;
              continue;
            }
          guard = collector_unpack (frame, &daemoneye__eventbus__v1__progress__descriptor);
          g_assert_cmpuint (((const ScriptProgress *) wire_guard_message (guard))->done, >, done);
          done = ((const ScriptProgress *) wire_guard_message (guard))->done;
        }
    }
  g_thread_join (thread);
  g_assert_cmpuint (done, ==, 10000);
}

/* The connection is lost while a thread works: ending the work is not an error of the handler. */
static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  start_work (f, 0);
  client_fixture_disconnect (&f->base);
  client_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_NONE);
  report (f, 1);
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  client_fixture_settle (&f->base);
  g_assert_cmpuint (deye_bus_collector_get_running (f->collector), ==, 0);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/work/" path, Fixture, NULL, collector_fixture_set_up, function, collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("progress-limited", test_progress_limited);
  ADD ("progress-by-timer", test_progress_by_timer);
  ADD ("progress-fields", test_progress_fields);
  ADD ("outcomes", test_outcomes);
  ADD ("result-sizes", test_result_sizes);
  ADD ("extent", test_extent);
  ADD ("extent-uncounted", test_extent_uncounted);
  ADD ("extent-no-rows", test_extent_no_rows);
  ADD ("extent-unset", test_extent_unset);
  ADD ("extent-failed", test_extent_failed);
  ADD ("M13-shard", test_shard);
  ADD ("M13-shard-beyond", test_shard_beyond);
  ADD ("too-large", test_too_large);
  ADD ("too-large-for-least", test_too_large_for_least);
  ADD ("dropped", test_dropped);
  ADD ("dropped-cancelled", test_dropped_cancelled);
  ADD ("bare", test_bare);
  ADD ("thread", test_thread);
  ADD ("connection-lost", test_connection_lost);
  return g_test_run ();
}
