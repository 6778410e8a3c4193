/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-key.h"

/* Keys of peer bytes, and their seeded hash. */

#define SEED  G_GUINT64_CONSTANT (0x1234567890abcdef)
#define OTHER G_GUINT64_CONSTANT (0x0fedcba987654321)

/* The hash depends only on the bytes, not on their address. */
static void
test_same_bytes (void)
{
  guint8 room[64];

  for (gsize len = 0; len <= 40; len++)
    {
      guint8 bytes[40];
      guint64 expected;

      for (gsize i = 0; i < len; i++)
        bytes[i] = (guint8) g_test_rand_int_range (0, 256);
      expected = bus_hash (SEED, wire_span (bytes, len));
      for (gsize offset = 0; offset < 8; offset++)
        {
          memset (room, 0xaa, sizeof room);
          if (len > 0)
            memcpy (room + offset, bytes, len);
          g_assert_cmpuint (bus_hash (SEED, wire_span (room + offset, len)), ==, expected);
        }
    }
}

/* Each bit of the bytes counts, and so does their number: zeros at the end are not padding. */
static void
test_each_bit (void)
{
  guint8 bytes[40] = { 0 };

  for (gsize len = 1; len <= sizeof bytes; len++)
    {
      guint64 before = bus_hash (SEED, wire_span (bytes, len));

      g_assert_cmpuint (bus_hash (SEED, wire_span (bytes, len - 1)), !=, before);
      for (gsize bit = 0; bit < 8 * len; bit++)
        {
          bytes[bit / 8] ^= (guint8) (1u << bit % 8);
          g_assert_cmpuint (bus_hash (SEED, wire_span (bytes, len)), !=, before);
          bytes[bit / 8] ^= (guint8) (1u << bit % 8);
        }
    }
}

typedef struct
{
  guint hash;
  guint32 number;
} Hashed;

static int
compare_hashed (gconstpointer a, gconstpointer b)
{
  guint first = ((const Hashed *) a)->hash;
  guint second = ((const Hashed *) b)->hash;

  return (first > second) - (first < second);
}

static guint
table_hash (guint64 seed, guint32 number)
{
  BusKey key = bus_key (seed, wire_span ((const guint8 *) &number, sizeof number));

  return bus_key_hash (&key);
}

/* Values that collide with one seed do not collide with another: without the seed a peer cannot choose values that collide. */
static void
test_collisions (void)
{
  enum
  {
    N = 200000
  };
  g_autofree Hashed *all = g_new (Hashed, N);
  guint collisions = 0;

  for (guint32 i = 0; i < N; i++)
    all[i] = (Hashed){ table_hash (SEED, i), i };
  qsort (all, N, sizeof (Hashed), compare_hashed);
  for (guint i = 1; i < N; i++)
    if (all[i].hash == all[i - 1].hash)
      {
        collisions++;
        g_assert_cmpuint (table_hash (OTHER, all[i].number), !=, table_hash (OTHER, all[i - 1].number));
      }
  g_assert_cmpuint (collisions, <, 40); /* about 5 are expected of a good hash */
}

/* The low bits, which choose the bucket of a hash table, are spread for names that differ in a digit. */
static void
test_spread (void)
{
  guint buckets[256] = { 0 };

  for (guint i = 0; i < 25600; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.host-%u", i);

      buckets[bus_hash (SEED, wire_span_str (topic)) % 256]++;
    }
  for (guint i = 0; i < 256; i++)
    {
      g_assert_cmpuint (buckets[i], >, 40);
      g_assert_cmpuint (buckets[i], <, 180);
    }
}

static void
test_equal (void)
{
  char first_bytes[] = "a.b";
  char second_bytes[] = "a.b";
  BusKey first = bus_key (SEED, wire_span_str (first_bytes));
  BusKey second = bus_key (SEED, wire_span_str (second_bytes));
  BusKey longer = bus_key (SEED, wire_span_str ("a.bc"));
  BusKey forged = { first.hash, wire_span_str ("x.y") }; /* the same hash is not enough */

  g_assert_true (bus_key_equal (&first, &second));
  g_assert_cmpuint (bus_key_hash (&first), ==, bus_key_hash (&second));
  g_assert_false (bus_key_equal (&first, &longer));
  g_assert_false (bus_key_equal (&first, &forged));
}

static void
test_order (void)
{
  static const char *const sorted[] = { "", "a", "a.b", "a.b.c", "a.c", "b", "b.a", "\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (sorted); i++)
    for (guint j = 0; j < G_N_ELEMENTS (sorted); j++)
      {
        int order = bus_key_compare_text (wire_span_str (sorted[i]), wire_span_str (sorted[j]));

        g_assert_cmpint ((order > 0) - (order < 0), ==, (i > j) - (i < j));
      }
  g_assert_cmpint (bus_key_compare_text (wire_span (NULL, 0), wire_span (NULL, 0)), ==, 0);
  g_assert_cmpint (bus_key_compare_text (wire_span (NULL, 0), wire_span_str ("a")), <, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/hash/same-bytes", test_same_bytes);
  g_test_add_func ("/core/hash/each-bit", test_each_bit);
  g_test_add_func ("/core/hash/T06-collisions", test_collisions);
  g_test_add_func ("/core/hash/spread", test_spread);
  g_test_add_func ("/core/key/equal", test_equal);
  g_test_add_func ("/core/key/order", test_order);
  return g_test_run ();
}
