/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-extent-private.h"
#include "deye-bus-manifest-private.h"
#include "gather-fixture.h"
#include "test-mutate.h"
#include "wire-guard.h"

#include <string.h>

/* The manifest is read in place. The reference is protobuf-c: both accept the same bytes, and read the same values from them. */

#define MUTATIONS   200000u
#define CHANGES_MAX 3u

static const ScriptEntry entries[]
    = { { .id = "procmond-1", .answer = CLASS (ANSWERED), .truncated = TRUE },
        { .id = "fsmond", .answer = CLASS (EMPTY) },
        { .id = "", .answer = CLASS (FAILED), .text = "keine R\303\244nder" },
        { .id = "netmond", .answer = CLASS (NEVER_ASKED), .never_asked = NEVER (DENIED) },
        { .id = NULL } };

/* --- the reference --- */

static gboolean
reference_member_is_valid (const ScriptMember *member, guint index)
{
  return member->index == index && (int) member->answer >= 1 && (int) member->answer <= 8
         && (int) member->never_asked >= 0 && (int) member->never_asked <= 9;
}

static gboolean
reference_counts_agree (const ScriptManifest *message)
{
  const guint32 claimed[9] = { 0,
                               message->answered,
                               message->empty,
                               message->failed,
                               message->timed_out,
                               message->died,
                               message->cancelled,
                               message->refused,
                               message->never_asked };
  guint32 counts[9] = { 0 };

  for (guint i = 0; i < message->n_members; i++)
    {
      if (!reference_member_is_valid (message->members[i], i))
        return FALSE;
      counts[message->members[i]->answer]++;
    }
  return memcmp (counts, claimed, sizeof counts) == 0 && message->expected == message->n_members;
}

static gboolean
reference_is_valid (const ScriptManifest *message)
{
  const gboolean is_complete = message->n_members > 0 && message->roster_is_sure && message->truncated == 0
                               && message->answered + message->empty == message->n_members;

  return reference_counts_agree (message) && (int) message->verdict >= 1 && (int) message->verdict <= 4
         && ((int) message->verdict == 1) == is_complete;
}

/* --- comparison --- */

static void
assert_text (const char *text, const char *expected)
{
  g_assert_cmpstr (text, ==, *expected != '\0' ? expected : NULL);
}

static void
assert_same_extent (const DeyeBusExtent *extent, const ScriptExtent *message)
{
  g_assert_true ((extent == NULL) == (message == NULL));
  if (extent == NULL)
    return;
  g_assert_cmpint (extent->is_counted, ==, !message->is_uncounted);
  g_assert_cmpuint (extent->rows, ==, message->is_uncounted ? 0 : message->rows);
  g_assert_cmpint (extent->is_truncated, ==, message->is_truncated);
  g_assert_cmpuint (extent->limit, ==, message->is_truncated ? message->limit : 0);
  g_assert_cmpuint (extent->from_time_us, ==, message->from_time_us);
  g_assert_cmpuint (extent->to_time_us, ==, message->to_time_us);
  g_assert_cmpuint (extent->gaps, ==, message->gaps);
  g_assert_cmpuint (extent->share_permille, ==, MIN (message->share_permille, 1000));
  g_assert_cmpuint (extent->age_us, ==, message->age_us);
  assert_text (extent->configuration, message->configuration);
}

static void
assert_same_entry (const DeyeBusManifestEntry *entry, const ScriptMember *member)
{
  assert_text (entry->id, member->id);
  assert_text (entry->text, member->text);
  g_assert_cmpuint (entry->incarnation, ==, member->incarnation);
  g_assert_cmpuint (entry->shard, ==, member->shard);
  g_assert_cmpint ((int) entry->answer, ==, (int) member->answer);
  g_assert_cmpint ((int) entry->never_asked, ==, (int) member->never_asked);
  g_assert_cmpuint (entry->status, ==, member->status);
  g_assert_cmpuint (entry->attempts, ==, member->attempts);
  g_assert_cmpuint (entry->bytes, ==, member->bytes);
  g_assert_cmpuint (entry->elapsed_us, ==, member->elapsed_us);
  g_assert_cmpint (entry->is_retryable, ==, member->retryable);
  assert_same_extent (entry->extent, member->extent);
}

static void
assert_same (const DeyeBusManifest *manifest, const ScriptManifest *message)
{
  g_assert_cmpuint (manifest->query_id, ==, message->query_id);
  g_assert_cmpuint (manifest->epoch, ==, message->epoch);
  g_assert_cmpuint (manifest->asked_time_us, ==, message->asked_time_us);
  g_assert_cmpuint (manifest->elapsed_us, ==, message->elapsed_us);
  g_assert_cmpint ((int) manifest->verdict, ==, (int) message->verdict);
  g_assert_cmpint (manifest->is_met, ==, message->is_met);
  g_assert_cmpuint (manifest->truncated, ==, message->truncated);
  g_assert_cmpuint (manifest->duplicates, ==, message->duplicates);
  g_assert_cmpuint (manifest->late, ==, message->late_answers);
  g_assert_cmpuint (manifest->joined_after, ==, message->joined_after);
  g_assert_cmpint (manifest->is_roster_sure, ==, message->roster_is_sure);
  g_assert_cmpuint (manifest->n_entries, ==, message->n_members);
  for (guint i = 0; i < manifest->n_entries; i++)
    assert_same_entry (&manifest->entries[i], message->members[i]);
}

/* Returns TRUE if both accept the bytes. The block has their exact size, so that a sanitizer finds a read beyond it. */
static gboolean
check_bytes (const guint8 *bytes, gsize len)
{
  g_autofree guint8 *exact = g_memdup2 (bytes, MAX (len, 1));
  const WireSpan packed = wire_span (exact, len);
  g_autoptr (DeyeBusManifest) manifest = deye_bus_manifest_read (packed);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__manifest__descriptor, packed, 0, NULL);
  const ScriptManifest *message = guard != NULL ? wire_guard_message (guard) : NULL;
  const gboolean is_valid = message != NULL && reference_is_valid (message);

  g_assert_cmpint (manifest != NULL, ==, is_valid);
  if (manifest != NULL)
    assert_same (manifest, message);
  return is_valid;
}

/* --- tests --- */

static GByteArray *
pack_manifest (const ScriptManifest *message)
{
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, (guint) protobuf_c_message_get_packed_size (&message->base));
  protobuf_c_message_pack (&message->base, bytes->data);
  return bytes;
}

/* A manifest in which every field has a value of its own. */
static GByteArray *
full_bytes (void)
{
  static char revision[] = "r7";
  ScriptManifest *message = gather_script_manifest (entries, TRUE);
  ScriptMember *member = message->members[0];

  message->query_id = 0x1122334455;
  message->epoch = 3;
  message->asked_time_us = 1700000000000000;
  message->deadline_us = 30000000;
  message->elapsed_us = 1234;
  message->require_n = 2;
  message->duplicates = 4;
  message->late_answers = 5;
  message->joined_after = 6;
  member->incarnation = G_MAXUINT64;
  member->shard = 9;
  member->status = 41;
  member->attempts = 2;
  member->bytes = 4096;
  member->elapsed_us = 777;
  member->retryable = TRUE;
  *member->extent = (ScriptExtent) DAEMONEYE__EVENTBUS__V1__EXTENT__INIT;
  member->extent->rows = 12;
  member->extent->is_truncated = TRUE;
  member->extent->limit = 12;
  member->extent->from_time_us = 100;
  member->extent->to_time_us = 200;
  member->extent->gaps = 1;
  member->extent->share_permille = 2000;
  member->extent->age_us = 5;
  member->extent->configuration = revision;
  message->members[1]->extent->is_uncounted = TRUE;
  message->members[2]->extent = NULL;
  return pack_manifest (message);
}

static void
test_full (void)
{
  g_autoptr (GByteArray) bytes = full_bytes ();

  g_assert_true (check_bytes (bytes->data, bytes->len));
}

/* Without an entry only the verdict needs a value. */
static void
test_empty (void)
{
  const guint8 nobody[] = { 6 << 3, 3 };

  g_assert_false (check_bytes ((const guint8 *) "", 0));
  g_assert_true (check_bytes (nobody, sizeof nobody));
}

/* A manifest that ends after its verdict, require_n or is_met has no counts and no entries: it does not contradict itself. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) bytes = full_bytes ();
  guint n_valid = 0;

  for (guint len = 0; len < bytes->len; len++)
    n_valid += check_bytes (bytes->data, len) ? 1 : 0;
  g_assert_cmpuint (n_valid, ==, 3);
}

/* Unknown fields of all wire types before, between and after the known ones. */
static void
test_unknown (void)
{
  static const guint8 unknown[] = { 0xc0, 0x06, 0x7f,               /* 104: a number */
                                    0xca, 0x06, 0x02, 'a', 0xff,    /* 105: bytes */
                                    0xd5, 0x06, 1,    2,   3,    4, /* 106: 32 bits */
                                    0xd9, 0x06, 1,    2,   3,    4, /* 107: 64 bits */
                                    5,    6,    7,    8 };
  g_autoptr (GByteArray) bytes = full_bytes ();

  g_byte_array_prepend (bytes, unknown, sizeof unknown);
  g_byte_array_append (bytes, unknown, sizeof unknown);
  g_assert_true (check_bytes (bytes->data, bytes->len));
}

/* An entry outlives the caller's reference to its manifest. */
static void
test_entry_alone (void)
{
  g_autoptr (GByteArray) bytes = full_bytes ();
  DeyeBusManifest *manifest = deye_bus_manifest_read (wire_span (bytes->data, bytes->len));
  GList *list = deye_bus_manifest_list_entries (manifest);
  g_autoptr (DeyeBusManifestEntry) last = deye_bus_manifest_entry_ref (g_list_last (list)->data);

  deye_bus_manifest_unref (manifest);
  g_list_free_full (list, (GDestroyNotify) deye_bus_manifest_entry_unref);
  g_assert_cmpstr (deye_bus_manifest_entry_get_id (last), ==, "netmond");
}

/* A valid manifest of @n entries in as few bytes as possible. */
static GByteArray *
short_bytes (guint n)
{
  g_autofree ScriptMember *members = g_new (ScriptMember, n);
  g_autofree ScriptMember **list = g_new (ScriptMember *, n);
  ScriptManifest message = DAEMONEYE__EVENTBUS__V1__MANIFEST__INIT;

  for (guint i = 0; i < n; i++)
    {
      list[i] = &members[i];
      daemoneye__eventbus__v1__manifest_member__init (list[i]);
      members[i].index = i;
      members[i].answer = CLASS (EMPTY);
    }
  message.members = list;
  message.n_members = message.expected = message.empty = n;
  message.roster_is_sure = TRUE;
  message.verdict = DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
  return pack_manifest (&message);
}

/* Entries that need much more memory than their bytes: both refuse a manifest of too many. */
static void
test_memory (void)
{
  g_autoptr (GByteArray) few = short_bytes (1000);
  g_autoptr (GByteArray) many = short_bytes (20000);

  g_assert_true (check_bytes (few->data, few->len));
  g_assert_false (check_bytes (many->data, many->len));
}

static void
test_bits (void)
{
  g_autoptr (GByteArray) bytes = full_bytes ();

  for (guint bit = 0; bit < bytes->len * 8; bit++)
    {
      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
      check_bytes (bytes->data, bytes->len);
      bytes->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
}

static void
test_mutations (void)
{
  g_autoptr (GByteArray) bytes = full_bytes ();
  g_autoptr (GByteArray) mutated = g_byte_array_new ();
  guint n_valid = 0;

  for (guint i = 0; i < MUTATIONS; i++)
    {
      test_mutate (mutated, bytes, CHANGES_MAX);
      n_valid += check_bytes (mutated->data, mutated->len) ? 1 : 0;
    }
  g_test_message ("%u of %u mutations are valid", n_valid, MUTATIONS);
  g_assert_cmpuint (n_valid, >, MUTATIONS / 100);
  g_assert_cmpuint (n_valid, <, MUTATIONS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/manifest-read/full", test_full);
  g_test_add_func ("/client/manifest-read/empty", test_empty);
  g_test_add_func ("/client/manifest-read/truncated", test_truncated);
  g_test_add_func ("/client/manifest-read/M27-unknown", test_unknown);
  g_test_add_func ("/client/manifest-read/entry-alone", test_entry_alone);
  g_test_add_func ("/client/manifest-read/memory", test_memory);
  g_test_add_func ("/client/manifest-read/F12-bits", test_bits);
  g_test_add_func ("/client/manifest-read/F12-mutations", test_mutations);
  return g_test_run ();
}
