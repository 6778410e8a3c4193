/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-token.h"

/* Tokens of leases. */

static void
test_parts (void)
{
  const BusTokenParts parts = { 0x0102030405060708, G_MAXUINT64, 7, 0x8000000000000001 };
  guint8 token[BUS_TOKEN_LEN];
  BusTokenParts read = { 0 };

  bus_token_write (token, &parts);
  g_assert_true (bus_token_read (wire_span (token, sizeof token), &read));
  g_assert_cmpuint (read.epoch, ==, parts.epoch);
  g_assert_cmpuint (read.task_hash, ==, parts.task_hash);
  g_assert_cmpuint (read.attempt, ==, parts.attempt);
  g_assert_cmpuint (read.random, ==, parts.random);
  g_assert_false (bus_token_read (wire_span (token, sizeof token - 1), &read));
  g_assert_false (bus_token_read (wire_span (NULL, 0), &read));
}

/* Tokens that differ in any byte, or in the length, are not equal. */
static void
test_equal (void)
{
  const BusTokenParts parts = { 1, 2, 3, 4 };
  guint8 token[BUS_TOKEN_LEN];
  guint8 other[BUS_TOKEN_LEN + 1];

  bus_token_write (token, &parts);
  memcpy (other, token, sizeof token);
  other[BUS_TOKEN_LEN] = 0;
  g_assert_true (bus_token_equal (token, wire_span (other, BUS_TOKEN_LEN)));
  g_assert_false (bus_token_equal (token, wire_span (other, BUS_TOKEN_LEN + 1)));
  g_assert_false (bus_token_equal (token, wire_span (other, BUS_TOKEN_LEN - 1)));
  g_assert_false (bus_token_equal (token, wire_span (NULL, 0)));
  for (guint i = 0; i < BUS_TOKEN_LEN; i++)
    {
      other[i] ^= 0x40;
      g_assert_false (bus_token_equal (token, wire_span (other, BUS_TOKEN_LEN)));
      other[i] ^= 0x40;
    }
}

static void
test_random (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  BusTokenSource source = { .seed = 42 };
  BusTokenSource same = { .seed = 42 };
  BusTokenSource another = { .seed = 43 };

  g_assert_cmpuint (bus_token_random (&source), ==, bus_token_random (&same));
  g_assert_cmpuint (bus_token_random (&source), !=, bus_token_random (&another));
  for (guint i = 0; i < 10000; i++)
    {
      guint64 value = bus_token_random (&source);

      g_assert_true (g_hash_table_add (seen, g_memdup2 (&value, sizeof value)));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/work/token/K05-parts", test_parts);
  g_test_add_func ("/core/work/token/K05-equal", test_equal);
  g_test_add_func ("/core/work/token/K05-random", test_random);
  return g_test_run ();
}
