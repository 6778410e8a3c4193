/* SPDX-License-Identifier: Apache-2.0 */
#include "coordination.pb-c.h"
#include "wire-put.h"

/* The writer of fields writes the bytes that protobuf-c writes. */

#define ROUNDS 20000u
#define LONG   70000u

typedef Daemoneye__Eventbus__V1__Execute Execute;

/* Half of all numbers are 0; the others have a random number of bits. */
static guint64
random_number (guint bits)
{
  const guint64 number = (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

  return g_test_rand_bit () ? 0 : number >> (64 - (guint) g_test_rand_int_range (1, (gint32) bits + 1));
}

/* Most texts are short; some are empty, or need a length of more than one byte. */
static gsize
random_len (void)
{
  static const guint lens[] = { 0, 0, 1, 5, 127, 128, 16383, 16384, LONG };

  return lens[g_test_rand_int_range (0, G_N_ELEMENTS (lens))];
}

static char *
random_text (void)
{
  return g_strnfill (random_len (), 'x');
}

static void
fill_random (Execute *execute, guint8 *bytes)
{
  daemoneye__eventbus__v1__execute__init (execute);
  execute->task_id = random_text ();
  execute->payload = (ProtobufCBinaryData){ random_len (), bytes };
  execute->priority = (guint32) random_number (32);
  execute->remaining_us = random_number (64);
  execute->adopt = g_test_rand_bit ();
  execute->claimed = (ProtobufCBinaryData){ random_len (), bytes };
  execute->shard = (guint32) random_number (32);
  execute->shards = (guint32) random_number (32);
}

static void
check_same (const Execute *execute)
{
  const WireField fields[] = {
    WIRE_PUT_SPAN (1, wire_span_str (execute->task_id)),
    WIRE_PUT_SPAN (3, wire_span (execute->payload.data, execute->payload.len)),
    WIRE_PUT_NUMBER (5, execute->priority),
    WIRE_PUT_NUMBER (8, execute->remaining_us),
    WIRE_PUT_NUMBER (12, execute->adopt ? 1 : 0),
    WIRE_PUT_SPAN (14, wire_span (execute->claimed.data, execute->claimed.len)),
    WIRE_PUT_NUMBER (15, execute->shard),
    WIRE_PUT_NUMBER (16, execute->shards),
  };
  const gsize size = wire_put_size (fields, G_N_ELEMENTS (fields));
  g_autofree guint8 *bytes = g_malloc (size + 1);
  g_autofree guint8 *expected = g_malloc (daemoneye__eventbus__v1__execute__get_packed_size (execute) + 1);
  const gsize expected_size = daemoneye__eventbus__v1__execute__pack (execute, expected);

  g_assert_cmpuint (size, ==, expected_size);
  g_assert_true (wire_put (bytes, fields, G_N_ELEMENTS (fields)) == bytes + size);
  g_assert_cmpmem (bytes, size, expected, expected_size);
}

static void
test_random (void)
{
  g_autofree guint8 *bytes = g_malloc0 (LONG);

  for (guint i = 0; i < ROUNDS; i++)
    {
      Execute execute;

      fill_random (&execute, bytes);
      check_same (&execute);
      g_free (execute.task_id);
    }
}

/* A sub-message that is present and empty has a head. */
static void
test_head (void)
{
  guint8 bytes[16];

  g_assert_cmpuint (wire_put_head_size (8, 0), ==, 2);
  g_assert_true (wire_put_head (bytes, 8, 0) == bytes + 2);
  g_assert_cmpmem (bytes, 2, "\x42\x00", 2);
  g_assert_cmpuint (wire_put_head_size (16, 300), ==, 4);
  g_assert_true (wire_put_head (bytes, 16, 300) == bytes + 4);
  g_assert_cmpmem (bytes, 4, "\x82\x01\xac\x02", 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/put/random", test_random);
  g_test_add_func ("/wire/put/head", test_head);
  return g_test_run ();
}
