/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-answer.h"

#include "gather.pb-c.h"

/* The answer of an entry has the bytes that protobuf-c writes for the same fields. */

#define ROUNDS 5000u

typedef Daemoneye__Eventbus__V1__GatherAnswer GatherAnswer;
typedef Daemoneye__Eventbus__V1__Outcome Outcome;
typedef Daemoneye__Eventbus__V1__Extent Extent;

typedef struct
{
  BusGatherEntry entry;
  BusTask task;
  BusTaskResult result;
  BusTaskExtent extent;
} Answer;

static guint64
random_number (void)
{
  const guint64 number = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return g_test_rand_bit () ? 0 : number >> (guint) g_test_rand_int_range (0, 64);
}

static char *
random_text (void)
{
  return g_test_rand_bit () ? g_strdup ("") : g_strnfill ((gsize) g_test_rand_int_range (1, 200), 'x');
}

static void
make_extent (BusTaskExtent *extent)
{
  *extent = (BusTaskExtent){ .rows = random_number (),
                             .limit = random_number (),
                             .from_time_us = random_number (),
                             .to_time_us = random_number (),
                             .age_us = random_number (),
                             .gaps = (guint) random_number (),
                             .share_permille = (guint) random_number (),
                             .is_truncated = g_test_rand_bit (),
                             .is_uncounted = g_test_rand_bit () };
  if (g_test_rand_bit ())
    g_strlcpy (extent->configuration, "revision 7", sizeof extent->configuration);
}

/* A quarter of all extents are empty, and half of all answers have none. */
static void
make_answer (Answer *answer)
{
  *answer = (Answer){ .entry = { .index = (guint) random_number (), .incarnation = random_number () },
                      .task = { .attempt = (guint) random_number () },
                      .result = { .kind = BUS_OUTCOME_SUCCEEDED } };
  answer->entry.id = g_strdup ("procmond-1");
  answer->entry.task = &answer->task;
  answer->task.result = &answer->result;
  answer->result.payload_type = random_text ();
  answer->result.error_name = random_text ();
  answer->result.error_text = random_text ();
  if (g_test_rand_bit ())
    answer->result.payload = g_bytes_new_take (g_malloc0 (5000), (gsize) g_test_rand_int_range (1, 5000));
  if (g_test_rand_bit ())
    answer->result.extent = &answer->extent;
  if (g_test_rand_bit ())
    make_extent (&answer->extent);
}

static void
clear_answer (Answer *answer)
{
  g_free (answer->entry.id);
  g_free (answer->result.payload_type);
  g_free (answer->result.error_name);
  g_free (answer->result.error_text);
  g_clear_pointer (&answer->result.payload, g_bytes_unref);
}

/* --- the reference --- */

static void
reference_extent (const BusTaskExtent *extent, Extent *message)
{
  daemoneye__eventbus__v1__extent__init (message);
  message->rows = extent->rows;
  message->is_truncated = extent->is_truncated;
  message->limit = extent->limit;
  message->from_time_us = extent->from_time_us;
  message->to_time_us = extent->to_time_us;
  message->gaps = extent->gaps;
  message->share_permille = extent->share_permille;
  message->age_us = extent->age_us;
  message->configuration = (char *) (gsize) extent->configuration;
  message->is_uncounted = extent->is_uncounted;
}

static void
reference_outcome (const BusTaskResult *result, Outcome *message, Extent *extent)
{
  daemoneye__eventbus__v1__outcome__init (message);
  message->kind = DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
  message->payload_type = result->payload_type;
  message->error_name = result->error_name;
  message->error_text = result->error_text;
  if (result->payload != NULL)
    message->payload.data = (guint8 *) (gsize) g_bytes_get_data (result->payload, &message->payload.len);
  if (result->extent == NULL)
    return;
  reference_extent (result->extent, extent);
  message->extent = extent;
}

static GByteArray *
reference_pack (const Answer *answer)
{
  GByteArray *bytes = g_byte_array_new ();
  GatherAnswer message = DAEMONEYE__EVENTBUS__V1__GATHER_ANSWER__INIT;
  Outcome outcome;
  Extent extent;

  reference_outcome (&answer->result, &outcome, &extent);
  message.index = answer->entry.index;
  message.id = answer->entry.id;
  message.incarnation = answer->entry.incarnation;
  message.attempt = answer->task.attempt;
  message.outcome = &outcome;
  g_byte_array_set_size (bytes, (guint) daemoneye__eventbus__v1__gather_answer__get_packed_size (&message));
  daemoneye__eventbus__v1__gather_answer__pack (&message, bytes->data);
  return bytes;
}

/* --- tests --- */

static void
test_random (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    {
      g_autoptr (GByteArray) expected = NULL;
      g_autofree guint8 *bytes = NULL;
      BusGatherAnswer packed;
      Answer answer;
      gsize size;

      make_answer (&answer);
      expected = reference_pack (&answer);
      size = bus_gather_answer_fill (&packed, &answer.entry);
      bytes = g_malloc (size + 1);
      g_assert_cmpuint (bus_gather_answer_pack (&packed, bytes), ==, size);
      g_assert_cmpmem (bytes, size, expected->data, expected->len);
      clear_answer (&answer);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/gather-answer/random", test_random);
  return g_test_run ();
}
