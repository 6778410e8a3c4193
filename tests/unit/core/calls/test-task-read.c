/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-task-read.h"

#include "base/bus-text.h"
#include "coordination.pb-c.h"
#include "test-mutate.h"
#include "wire-guard.h"

#include <string.h>

/* Outcome and Progress are read in place. The reference is protobuf-c: both accept the same bytes, and read the same values. */

#define MUTATIONS   100000u
#define CHANGES_MAX 3u

typedef Daemoneye__Eventbus__V1__Outcome Outcome;
typedef Daemoneye__Eventbus__V1__Extent Extent;
typedef Daemoneye__Eventbus__V1__Progress Progress;

static char long_revision[] = "0123456789012345678901234567890123456789012345678901234567890123\303\244";

/* --- comparison --- */

static void
assert_bytes (WireSpan bytes, const ProtobufCBinaryData *expected)
{
  g_assert_cmpmem (bytes.data, bytes.len, expected->data, expected->len);
}

static void
assert_text (WireSpan text, const char *expected)
{
  g_assert_cmpmem (text.data, text.len, expected, strlen (expected));
}

static void
assert_same_extent (const BusTaskExtent *extent, const Extent *expected)
{
  char configuration[BUS_TASK_REVISION_MAX + 1];

  g_assert_true ((extent == NULL) == (expected == NULL));
  if (extent == NULL)
    return;
  g_assert_cmpuint (extent->rows, ==, expected->rows);
  g_assert_cmpuint (extent->limit, ==, expected->limit);
  g_assert_cmpuint (extent->from_time_us, ==, expected->from_time_us);
  g_assert_cmpuint (extent->to_time_us, ==, expected->to_time_us);
  g_assert_cmpuint (extent->age_us, ==, expected->age_us);
  g_assert_cmpuint (extent->gaps, ==, expected->gaps);
  g_assert_cmpuint (extent->share_permille, ==, expected->share_permille);
  g_assert_cmpint (extent->is_truncated, ==, expected->is_truncated);
  g_assert_cmpint (extent->is_uncounted, ==, expected->is_uncounted);
  bus_text_copy (configuration, sizeof configuration, expected->configuration);
  g_assert_cmpstr (extent->configuration, ==, configuration);
}

static gboolean
check_outcome (WireSpan packed)
{
  BusTaskOutcome outcome;
  WireGuardError error, expected_error;
  const gboolean is_read = bus_task_read_outcome (&outcome, packed, &error);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__outcome__descriptor, packed, 0, &expected_error);
  const Outcome *expected = guard != NULL ? wire_guard_message (guard) : NULL;

  g_assert_cmpint (is_read, ==, expected != NULL);
  g_assert_cmpint (error.status, ==, expected_error.status);
  g_assert_cmpstr (error.problem, ==, expected_error.problem);
  if (expected == NULL)
    return FALSE;
  assert_bytes (outcome.token, &expected->token);
  assert_bytes (outcome.answer.payload, &expected->payload);
  assert_text (outcome.answer.payload_type, expected->payload_type);
  assert_text (outcome.answer.error_name, expected->error_name);
  assert_text (outcome.answer.error_text, expected->error_text);
  g_assert_cmpint (outcome.answer.kind, ==, (guint) expected->kind < BUS_N_OUTCOME_KINDS ? (guint) expected->kind : 0);
  g_assert_cmpint (outcome.answer.retry_after_us, ==, (gint64) MIN (expected->retry_after_us, G_MAXINT64 / 4));
  g_assert_null (outcome.answer.kept);
  assert_same_extent (outcome.answer.extent, expected->extent);
  return TRUE;
}

static gboolean
check_progress (WireSpan packed)
{
  BusTaskProgressReport progress;
  WireGuardError error, expected_error;
  const gboolean is_read = bus_task_read_progress (&progress, packed, &error);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__progress__descriptor, packed, 0, &expected_error);
  const Progress *expected = guard != NULL ? wire_guard_message (guard) : NULL;

  g_assert_cmpint (is_read, ==, expected != NULL);
  g_assert_cmpint (error.status, ==, expected_error.status);
  g_assert_cmpstr (error.problem, ==, expected_error.problem);
  if (expected == NULL)
    return FALSE;
  assert_bytes (progress.token, &expected->token);
  g_assert_cmpint (progress.report.started, ==, expected->started);
  g_assert_cmpuint (progress.report.done, ==, expected->done);
  g_assert_cmpuint (progress.report.total, ==, expected->total);
  assert_text (progress.report.text, expected->text);
  assert_bytes (progress.report.details, &expected->details);
  return TRUE;
}

/* --- the messages --- */

static GByteArray *
pack (const ProtobufCMessage *message)
{
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, (guint) protobuf_c_message_get_packed_size (message));
  protobuf_c_message_pack (message, bytes->data);
  return bytes;
}

static GByteArray *
full_outcome (void)
{
  static guint8 token[] = "token", payload[] = "payload";
  static char type[] = "org.example.Rows", name[] = "NoDisk", text[] = "kein Laufwerk f\303\274r \"C\"";
  Extent extent = DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;
  Outcome outcome = DAEMONEYE__EVENTBUS__V1__OUTCOME__INIT;

  extent.rows = 12;
  extent.is_truncated = TRUE;
  extent.limit = 13;
  extent.from_time_us = 100;
  extent.to_time_us = 200;
  extent.gaps = 1;
  extent.share_permille = 999;
  extent.age_us = 5;
  extent.configuration = long_revision;
  extent.is_uncounted = TRUE;
  outcome.token = (ProtobufCBinaryData){ 5, token };
  outcome.kind = DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE;
  outcome.payload = (ProtobufCBinaryData){ 7, payload };
  outcome.payload_type = type;
  outcome.error_name = name;
  outcome.error_text = text;
  outcome.retry_after_us = G_MAXUINT64;
  outcome.extent = &extent;
  return pack (&outcome.base);
}

static GByteArray *
full_progress (void)
{
  static guint8 token[] = "token", details[] = "details";
  static char text[] = "halfway";
  Progress progress = DAEMONEYE__EVENTBUS__V1__PROGRESS__INIT;

  progress.token = (ProtobufCBinaryData){ 5, token };
  progress.started = TRUE;
  progress.done = 3;
  progress.total = G_MAXUINT64;
  progress.text = text;
  progress.details = (ProtobufCBinaryData){ 7, details };
  progress.skipped = 2;
  return pack (&progress.base);
}

/* --- tests --- */

typedef struct
{
  GByteArray *(*make) (void);
  gboolean (*check) (WireSpan packed);
} Kind;

static const Kind kinds[] = { { full_outcome, check_outcome }, { full_progress, check_progress } };

/* The block has the exact size of the bytes, so that a sanitizer finds a read beyond them. */
static gboolean
check_exact (const Kind *kind, const GByteArray *bytes, gsize len)
{
  g_autofree guint8 *exact = g_memdup2 (bytes->data, MAX (len, 1));

  return kind->check (wire_span (exact, len));
}

static void
test_full (gconstpointer kind)
{
  g_autoptr (GByteArray) bytes = ((const Kind *) kind)->make ();

  g_assert_true (check_exact (kind, bytes, bytes->len));
  g_assert_true (check_exact (kind, bytes, 0));
}

static void
test_truncated (gconstpointer kind)
{
  g_autoptr (GByteArray) bytes = ((const Kind *) kind)->make ();

  for (guint len = 0; len < bytes->len; len++)
    check_exact (kind, bytes, len);
}

static void
test_unknown (gconstpointer kind)
{
  static const guint8 unknown[] = { 0xc0, 0x06, 0x7f };
  g_autoptr (GByteArray) bytes = ((const Kind *) kind)->make ();

  g_byte_array_append (bytes, unknown, sizeof unknown);
  g_assert_false (check_exact (kind, bytes, bytes->len));
}

static void
test_bits (gconstpointer kind)
{
  g_autoptr (GByteArray) bytes = ((const Kind *) kind)->make ();

  for (guint bit = 0; bit < bytes->len * 8; bit++)
    {
      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
      check_exact (kind, bytes, bytes->len);
      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
}

static void
test_mutations (gconstpointer kind)
{
  g_autoptr (GByteArray) bytes = ((const Kind *) kind)->make ();
  g_autoptr (GByteArray) mutated = g_byte_array_new ();
  guint n_valid = 0;

  for (guint i = 0; i < MUTATIONS; i++)
    {
      test_mutate (mutated, bytes, CHANGES_MAX);
      n_valid += check_exact (kind, mutated, mutated->len) ? 1 : 0;
    }
  g_test_message ("%u of %u mutations are valid", n_valid, MUTATIONS);
  g_assert_cmpuint (n_valid, >, MUTATIONS / 100);
  g_assert_cmpuint (n_valid, <, MUTATIONS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/core/task-read/outcome/full", &kinds[0], test_full);
  g_test_add_data_func ("/core/task-read/outcome/truncated", &kinds[0], test_truncated);
  g_test_add_data_func ("/core/task-read/outcome/unknown", &kinds[0], test_unknown);
  g_test_add_data_func ("/core/task-read/outcome/F12-bits", &kinds[0], test_bits);
  g_test_add_data_func ("/core/task-read/outcome/F12-mutations", &kinds[0], test_mutations);
  g_test_add_data_func ("/core/task-read/progress/full", &kinds[1], test_full);
  g_test_add_data_func ("/core/task-read/progress/truncated", &kinds[1], test_truncated);
  g_test_add_data_func ("/core/task-read/progress/unknown", &kinds[1], test_unknown);
  g_test_add_data_func ("/core/task-read/progress/F12-bits", &kinds[1], test_bits);
  g_test_add_data_func ("/core/task-read/progress/F12-mutations", &kinds[1], test_mutations);
  return g_test_run ();
}
