/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-manifest-private.h"
#include "gather-fixture.h"

/* The manifest of a question: its sums, its texts, and the invalid manifests that are refused. */

static const ScriptEntry every_class[]
    = { { .id = "a", .answer = CLASS (ANSWERED), .truncated = TRUE },
        { .id = "b", .answer = CLASS (EMPTY) },
        { .id = "c", .answer = CLASS (FAILED), .text = "no disk" },
        { .id = "d", .answer = CLASS (TIMED_OUT) },
        { .id = "e", .answer = CLASS (DIED) },
        { .id = "", .answer = CLASS (CANCELLED) },
        { .id = "g", .answer = CLASS (REFUSED) },
        { .id = "h", .answer = CLASS (NEVER_ASKED), .never_asked = NEVER (NOT_REGISTERED), .text = "it died 3 s ago" },
        { .id = NULL } };
static const ScriptEntry both_answered[]
    = { { .id = "a", .answer = CLASS (ANSWERED) }, { .id = "b", .answer = CLASS (EMPTY) }, { .id = NULL } };
static const ScriptEntry nobody[] = { { .id = NULL } };

static DeyeBusManifest *
read_manifest (const ScriptManifest *message)
{
  g_autofree guint8 *bytes = g_malloc (protobuf_c_message_get_packed_size (&message->base) + 1);

  return deye_bus_manifest_read (wire_span (bytes, protobuf_c_message_pack (&message->base, bytes)));
}

static void
test_classes (void)
{
  g_autoptr (DeyeBusManifest) manifest = read_manifest (gather_script_manifest (every_class, FALSE));
  g_auto (GStrv) missing = NULL;
  guint sum = 0;

  g_assert_nonnull (manifest);
  for (guint i = DEYE_BUS_ANSWER_CLASS_ANSWERED; i <= DEYE_BUS_ANSWER_CLASS_NEVER_ASKED; i++)
    {
      g_assert_cmpuint (deye_bus_manifest_get_count (manifest, (DeyeBusAnswerClass) i), ==, 1);
      sum += deye_bus_manifest_get_count (manifest, (DeyeBusAnswerClass) i);
    }
  g_assert_cmpuint (deye_bus_manifest_get_expected (manifest), ==, sum);
  g_assert_cmpuint (deye_bus_manifest_get_count (manifest, (DeyeBusAnswerClass) 0), ==, 0);
  g_assert_cmpuint (deye_bus_manifest_get_count (manifest, (DeyeBusAnswerClass) 99), ==, 0);
  missing = deye_bus_manifest_list_missing (manifest);
  g_assert_true (
      g_strv_equal ((const char *const *) missing, (const char *const[]){ "c", "d", "e", "shard 0", "g", "h", NULL }));
}

static void
test_words (void)
{
  g_autoptr (DeyeBusManifest) manifest = read_manifest (gather_script_manifest (every_class, FALSE));
  g_autofree char *text = deye_bus_manifest_to_string (manifest);
  g_autoptr (GError) error = deye_bus_manifest_error (manifest);

  g_assert_cmpstr (text, ==,
                   "partial: 1 of 8 answered, 1 found nothing, 1 failed, 1 timed out, 1 died, 1 cancelled, 1 refused, "
                   "1 not asked, 1 truncated\n"
                   "  a: truncated\n"
                   "  c: failed (no disk)\n"
                   "  d: timed out\n"
                   "  e: died\n"
                   "  shard 0: cancelled\n"
                   "  g: refused\n"
                   "  h: not registered (it died 3 s ago)");
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL);
  g_assert_nonnull (strstr (error->message, "missing: a (truncated), c (failed), d (timed out) and 4 more."));
}

static const struct
{
  guint index;
  DeyeBusError code;
} codes[] = { { 2, DEYE_BUS_ERROR_FAILED },    { 3, DEYE_BUS_ERROR_TIMEOUT }, { 4, DEYE_BUS_ERROR_RESPONDER_GONE },
              { 5, DEYE_BUS_ERROR_CANCELLED }, { 6, DEYE_BUS_ERROR_LIMIT },   { 7, DEYE_BUS_ERROR_ABSENT } };

/* An entry without a status gives the reason by its class. */
static void
test_entries (void)
{
  g_autoptr (DeyeBusManifest) manifest = read_manifest (gather_script_manifest (every_class, FALSE));
  g_autolist (DeyeBusManifestEntry) entries = deye_bus_manifest_list_entries (manifest);
  g_autoptr (DeyeBusExtent) extent = deye_bus_manifest_entry_dup_extent (g_list_nth_data (entries, 0));

  g_assert_true (deye_bus_manifest_entry_check (g_list_nth_data (entries, 0), NULL));
  g_assert_true (deye_bus_manifest_entry_check (g_list_nth_data (entries, 1), NULL));
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (deye_bus_manifest_entry_check (g_list_nth_data (entries, codes[i].index), &error));
      g_assert_error (error, DEYE_BUS_ERROR, (gint) codes[i].code);
    }
  g_assert_cmpint (deye_bus_manifest_entry_get_never_asked (g_list_nth_data (entries, 7)), ==,
                   DEYE_BUS_NEVER_ASKED_NOT_REGISTERED);
  g_assert_cmpstr (deye_bus_manifest_entry_get_text (g_list_nth_data (entries, 7)), ==, "it died 3 s ago");
  g_assert_null (deye_bus_manifest_entry_get_id (g_list_nth_data (entries, 5)));
  g_assert_true (deye_bus_extent_is_truncated (extent));
}

/* The status of the broker has priority over the class. */
static void
test_status (void)
{
  ScriptManifest *message = gather_script_manifest (every_class, FALSE);
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autolist (DeyeBusManifestEntry) entries = NULL;
  g_autoptr (GError) error = NULL;

  message->members[6]->status = WIRE_STATUS_WOULD_BLOCK;
  manifest = read_manifest (message);
  entries = deye_bus_manifest_list_entries (manifest);
  g_assert_false (deye_bus_manifest_entry_check (g_list_nth_data (entries, 6), &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
}

/* --- messages that contradict themselves --- */

static void
wrong_expected (ScriptManifest *message)
{
  message->expected++;
}

static void
wrong_count (ScriptManifest *message)
{
  message->answered++;
  message->empty--;
}

static void
wrong_index (ScriptManifest *message)
{
  message->members[1]->index = 0;
}

static void
wrong_class (ScriptManifest *message)
{
  message->members[1]->answer = (Daemoneye__Eventbus__V1__AnswerClass) 0;
}

static void
wrong_class_beyond (ScriptManifest *message)
{
  message->members[1]->answer = (Daemoneye__Eventbus__V1__AnswerClass) 9;
}

static void
wrong_reason (ScriptManifest *message)
{
  message->members[1]->never_asked = (Daemoneye__Eventbus__V1__NeverAsked) 10;
}

static void
wrong_verdict (ScriptManifest *message)
{
  message->verdict = (Daemoneye__Eventbus__V1__GatherVerdict) 0;
}

static void
wrong_verdict_beyond (ScriptManifest *message)
{
  message->verdict = (Daemoneye__Eventbus__V1__GatherVerdict) 5;
}

static void
wrong_complete_truncated (ScriptManifest *message)
{
  message->truncated = 1;
}

static void
wrong_complete_unsure (ScriptManifest *message)
{
  message->roster_is_sure = FALSE;
}

static void (*const wrongs[]) (ScriptManifest *)
    = { wrong_expected,           wrong_count,          wrong_index,   wrong_class,
        wrong_class_beyond,       wrong_reason,         wrong_verdict, wrong_verdict_beyond,
        wrong_complete_truncated, wrong_complete_unsure };

static void
test_contradictions (void)
{
  g_autoptr (DeyeBusManifest) sound = read_manifest (gather_script_manifest (both_answered, TRUE));

  g_assert_nonnull (sound);
  for (guint i = 0; i < G_N_ELEMENTS (wrongs); i++)
    {
      ScriptManifest *message = gather_script_manifest (both_answered, TRUE);

      g_test_message ("contradiction %u", i);
      wrongs[i](message);
      g_assert_null (read_manifest (message));
    }
}

/* A manifest without entries has the verdict NOBODY, never COMPLETE. */
static void
test_no_collector (void)
{
  ScriptManifest *message = gather_script_manifest (nobody, FALSE);
  g_autoptr (DeyeBusManifest) manifest = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  message->verdict = DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
  g_assert_null (read_manifest (message));
  message->verdict = DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_NOBODY;
  manifest = read_manifest (message);
  text = deye_bus_manifest_to_string (manifest);
  g_assert_cmpstr (text, ==, "no collector was asked: 0 of 0 answered");
  error = deye_bus_manifest_error (manifest);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PARTIAL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/manifest/D05-classes", test_classes);
  g_test_add_func ("/client/manifest/D05-words", test_words);
  g_test_add_func ("/client/manifest/entries", test_entries);
  g_test_add_func ("/client/manifest/status", test_status);
  g_test_add_func ("/client/manifest/D05-contradictions", test_contradictions);
  g_test_add_func ("/client/manifest/no-collector", test_no_collector);
  return g_test_run ();
}
