/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-manifest.h"

#include "peer/bus-state.h"
#include "gather.pb-c.h"

/* The manifest of a question has the bytes that protobuf-c writes for the same fields. */

#define ROUNDS  3000u
#define ENTRIES 6u

typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember Member;
typedef Daemoneye__Eventbus__V1__Extent Extent;

typedef struct
{
  BusCore core;
  BusGather gather;
  BusGatherEntry entries[ENTRIES];
  BusTask tasks[ENTRIES];
  BusTaskResult results[ENTRIES];
  BusTaskExtent extents[ENTRIES];
} Question;

static char none[] = "";
static char id[] = "procmond-1";
static char name[] = "NoDisk";
static char text[] = "there is no disk";

static guint64
random_number (void)
{
  const guint64 number = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return g_test_rand_bit () ? 0 : number >> (guint) g_test_rand_int_range (2, 64);
}

static void
make_entry (Question *q, guint i)
{
  BusGatherEntry *entry = &q->entries[i];

  q->extents[i] = (BusTaskExtent){ .rows = random_number (), .is_truncated = g_test_rand_bit (), .gaps = 3 };
  q->results[i] = (BusTaskResult){ .payload_len = g_test_rand_bit () ? 4096 : 0,
                                   .error_name = g_test_rand_bit () ? name : none,
                                   .error_text = g_test_rand_bit () ? text : none,
                                   .extent = g_test_rand_bit () ? &q->extents[i] : NULL };
  q->tasks[i] = (BusTask){ .attempt = (guint) g_test_rand_int_range (0, 4), .result = &q->results[i] };
  *entry = (BusGatherEntry){ .gather = &q->gather,
                             .index = i,
                             .id = g_test_rand_bit () ? id : NULL,
                             .incarnation = random_number (),
                             .task = &q->tasks[i],
                             .attempts = (guint) g_test_rand_int_range (0, 3),
                             .ended_us = q->gather.asked_us + g_test_rand_int_range (0, 1000000) };
  entry->fate = (BusGatherFate){ .answer = (BusFateClass) g_test_rand_int_range (BUS_FATE_ANSWERED, BUS_N_FATES),
                                 .status = (WireStatus) g_test_rand_int_range (0, 40),
                                 .retryable = g_test_rand_bit (),
                                 .text = g_test_rand_bit () ? "the reason" : NULL };
  if (g_test_rand_bit ())
    g_strlcpy (entry->text, "it replaces the reason", sizeof entry->text);
  if (entry->fate.answer == BUS_FATE_NEVER_ASKED)
    {
      entry->fate.never_asked = BUS_NEVER_DRAINING;
      entry->task = NULL;
    }
  q->gather.counts[entry->fate.answer]++;
}

static void
make_question (Question *q)
{
  BusGather *gather = &q->gather;

  *q = (Question){ .core = { .epoch = random_number (), .wall_us = 1700000000000000 } };
  *gather = (BusGather){ .core = &q->core,
                         .query_id = random_number (),
                         .mode = (BusGatherMode) g_test_rand_int_range (BUS_GATHER_ALL, BUS_GATHER_SHARDS + 1),
                         .require = (BusGatherRequire) g_test_rand_int_range (BUS_REQUIRE_ALL, BUS_REQUIRE_ANY + 1),
                         .require_n = (guint) g_test_rand_int_range (0, 4),
                         .asked_us = 1000,
                         .due_us = 30001000,
                         .over_us = 1000 + g_test_rand_int_range (0, 1000000),
                         .roster_is_sure = g_test_rand_bit (),
                         .entries = q->entries,
                         .n_entries = (guint) g_test_rand_int_range (0, ENTRIES + 1),
                         .n_duplicates = (guint) random_number (),
                         .n_late = (guint) random_number (),
                         .n_joined = (guint) random_number () };
  for (guint i = 0; i < gather->n_entries; i++)
    make_entry (q, i);
}

/* --- the reference --- */

static const char *
reference_text (const BusGatherEntry *entry)
{
  const BusTaskResult *result = entry->task != NULL ? entry->task->result : NULL;

  if (entry->fate.answer == BUS_FATE_FAILED && result != NULL && *result->error_text != '\0')
    return result->error_text;
  if (entry->fate.answer == BUS_FATE_FAILED && result != NULL && *result->error_name != '\0')
    return result->error_name;
  if (*entry->text != '\0')
    return entry->text;
  return entry->fate.text != NULL ? entry->fate.text : "";
}

static void
reference_member (const BusGatherEntry *entry, Member *member, Extent *extent)
{
  const gboolean has_answer = entry->fate.answer == BUS_FATE_ANSWERED || entry->fate.answer == BUS_FATE_EMPTY;

  daemoneye__eventbus__v1__manifest_member__init (member);
  member->index = entry->index;
  member->id = entry->id != NULL ? entry->id : none;
  member->incarnation = entry->incarnation;
  member->shard = entry->gather->mode == BUS_GATHER_SHARDS ? entry->index : 0;
  member->answer = (Daemoneye__Eventbus__V1__AnswerClass) entry->fate.answer;
  member->never_asked = (Daemoneye__Eventbus__V1__NeverAsked) entry->fate.never_asked;
  member->status = entry->fate.status;
  member->text = (char *) (gsize) reference_text (entry);
  member->attempts = entry->attempts + (entry->task != NULL ? entry->task->attempt : 0);
  member->elapsed_us = (guint64) (entry->ended_us - entry->gather->asked_us);
  member->retryable = entry->fate.retryable;
  if (!has_answer)
    return;
  member->bytes = entry->task->result->payload_len;
  if (entry->task->result->extent == NULL)
    return;
  daemoneye__eventbus__v1__extent__init (extent);
  extent->rows = entry->task->result->extent->rows;
  extent->is_truncated = entry->task->result->extent->is_truncated;
  extent->gaps = entry->task->result->extent->gaps;
  member->extent = extent;
}

static void
reference_counts (const BusGather *gather, Manifest *message)
{
  message->expected = gather->n_entries;
  message->answered = gather->counts[BUS_FATE_ANSWERED];
  message->empty = gather->counts[BUS_FATE_EMPTY];
  message->failed = gather->counts[BUS_FATE_FAILED];
  message->timed_out = gather->counts[BUS_FATE_TIMED_OUT];
  message->died = gather->counts[BUS_FATE_DIED];
  message->cancelled = gather->counts[BUS_FATE_CANCELLED];
  message->refused = gather->counts[BUS_FATE_REFUSED];
  message->never_asked = gather->counts[BUS_FATE_NEVER_ASKED];
  message->duplicates = gather->n_duplicates;
  message->late_answers = gather->n_late;
  message->joined_after = gather->n_joined;
}

static Daemoneye__Eventbus__V1__GatherVerdict
reference_verdict (const BusGather *gather)
{
  const guint n_answers = gather->counts[BUS_FATE_ANSWERED] + gather->counts[BUS_FATE_EMPTY];

  if (gather->counts[BUS_FATE_NEVER_ASKED] == gather->n_entries)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_NOBODY;
  if (n_answers == 0)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED;
  return n_answers == gather->n_entries && gather->roster_is_sure
             ? DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE
             : DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL;
}

static GByteArray *
reference_pack (const BusGather *gather)
{
  GByteArray *bytes = g_byte_array_new ();
  Manifest message = DAEMONEYE__EVENTBUS__V1__MANIFEST__INIT;
  Member members[ENTRIES], *list[ENTRIES];
  Extent extents[ENTRIES];

  message.query_id = gather->query_id;
  message.epoch = gather->core->epoch;
  message.asked_time_us = (guint64) (gather->asked_us + gather->core->wall_us);
  message.deadline_us = 30000000;
  message.elapsed_us = (guint64) (gather->over_us - gather->asked_us);
  message.verdict = reference_verdict (gather);
  message.require = (Daemoneye__Eventbus__V1__GatherRequire) gather->require;
  message.require_n = gather->require_n;
  message.is_met = bus_gather_is_met (gather);
  message.roster_is_sure = gather->roster_is_sure;
  reference_counts (gather, &message);
  for (guint i = 0; i < gather->n_entries; i++)
    {
      list[i] = &members[i];
      reference_member (&gather->entries[i], &members[i], &extents[i]);
    }
  message.members = list;
  message.n_members = gather->n_entries;
  g_byte_array_set_size (bytes, (guint) daemoneye__eventbus__v1__manifest__get_packed_size (&message));
  daemoneye__eventbus__v1__manifest__pack (&message, bytes->data);
  return bytes;
}

/* --- tests --- */

static void
test_random (void)
{
  g_autofree Question *q = g_new0 (Question, 1);

  for (guint i = 0; i < ROUNDS; i++)
    {
      g_autoptr (GByteArray) expected = NULL;
      g_autofree guint8 *bytes = NULL;
      BusGatherManifest manifest;
      gsize size;

      make_question (q);
      expected = reference_pack (&q->gather);
      size = bus_gather_manifest_fill (&manifest, &q->gather);
      bytes = g_malloc (size + 1);
      g_assert_cmpuint (bus_gather_manifest_pack (&manifest, bytes), ==, size);
      g_assert_cmpmem (bytes, size, expected->data, expected->len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/gather-manifest/random", test_random);
  return g_test_run ();
}
