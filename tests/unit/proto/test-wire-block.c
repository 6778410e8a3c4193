/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-block.h"

#include <string.h>

/* Large blocks that are reused: their sizes, and the bounds of kept and lent bytes. */

/* A kept block of another size is used only if it is not too large. */
static void
test_kept (void)
{
  guint8 *block, *again;
  gsize size;

  wire_block_drop_kept ();
  g_assert_cmpuint (wire_block_kept_bytes (), ==, 0);
  block = wire_block_new (1u << 20, G_MAXSIZE, &size);
  g_assert_cmpuint (size, ==, 1u << 20);
  wire_block_free (block, size);
  if (!WIRE_BLOCK_KEEPS)
    return;
  again = wire_block_new (950000, G_MAXSIZE, &size);
  g_assert_true (again == block);
  g_assert_cmpuint (size, ==, 1u << 20);
  wire_block_free (again, size);
  again = wire_block_new (950000, 950001, &size);
  g_assert_cmpuint (size, ==, 950001);
  wire_block_free (again, size);
  block = wire_block_new (700000, G_MAXSIZE, &size);
  g_assert_cmpuint (size, ==, 720896); /* a step of 32 KiB */
  wire_block_free (block, size);
  block = wire_block_new (WIRE_BLOCK_MIN - 1, G_MAXSIZE, &size);
  g_assert_cmpuint (size, ==, WIRE_BLOCK_MIN - 1);
  wire_block_free (block, size);
  wire_block_free (NULL, 0);
}

/* For each size, exactly the last freed block of that size is found. */
static void
test_by_size (void)
{
  static const gsize sizes[]
      = { WIRE_BLOCK_MIN, WIRE_BLOCK_MIN + 1, 10240, 12287, 65536, 66060, WIRE_BLOCK_MAX - 1, WIRE_BLOCK_MAX };
  guint8 *blocks[G_N_ELEMENTS (sizes)];
  gsize size;

  wire_block_drop_kept ();
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    blocks[i] = wire_block_new (sizes[i], sizes[i], &size);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    wire_block_free (blocks[i], sizes[i]);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      guint8 *block = wire_block_new (sizes[i], sizes[i], &size);

      g_assert_cmpuint (size, ==, sizes[i]);
      g_assert_true (block == blocks[i] || !WIRE_BLOCK_KEEPS);
      memset (block, 1, size);
      wire_block_free (block, size);
    }
}

/* Many blocks that are a little too small do not hide a larger one that was freed before them. */
static void
test_hidden (void)
{
  guint8 *small[16], *large, *again;
  gsize size, small_size = 0;

  wire_block_drop_kept ();
  large = wire_block_new (66080, G_MAXSIZE, &size);
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    small[i] = wire_block_new (65567, 65567, &small_size);
  wire_block_free (large, size);
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    wire_block_free (small[i], small_size);
  again = wire_block_new (66080, G_MAXSIZE, &size);
  g_assert_true (again == large || !WIRE_BLOCK_KEEPS);
  wire_block_free (again, size);
}

/* Kept blocks of many sizes do not prevent that one of another size is kept. */
static void
test_bounded (void)
{
  const guint n = WIRE_BLOCK_KEPT_BYTES / 65536 + 3;
  g_autofree guint8 **blocks = g_new (guint8 *, n);
  guint8 *block, *again;
  gsize size;

  wire_block_drop_kept ();
  for (guint i = 0; i < n; i++)
    blocks[i] = wire_block_new (65536, 65536, &size);
  for (guint i = 0; i < n; i++)
    wire_block_free (blocks[i], 65536);
  g_assert_cmpuint (wire_block_kept_bytes (), ==, WIRE_BLOCK_KEEPS ? WIRE_BLOCK_KEPT_BYTES : 0);
  block = wire_block_new (300000, G_MAXSIZE, &size);
  wire_block_free (block, 300000);
  g_assert_cmpuint (wire_block_kept_bytes (), <=, WIRE_BLOCK_KEPT_BYTES);
  again = wire_block_new (300000, G_MAXSIZE, &size);
  g_assert_true (again == block || !WIRE_BLOCK_KEEPS);
  wire_block_free (again, 300000);
  block = wire_block_new (WIRE_BLOCK_MAX + 1, G_MAXSIZE, &size);
  size = wire_block_kept_bytes ();
  wire_block_free (block, WIRE_BLOCK_MAX + 1);
  g_assert_cmpuint (wire_block_kept_bytes (), ==, size);
}

static void
test_lent (void)
{
  g_assert_true (wire_block_lend (WIRE_BLOCK_LENT_BYTES - 1));
  g_assert_false (wire_block_lend (2));
  g_assert_false (wire_block_lend (G_MAXSIZE));
  g_assert_true (wire_block_lend (1));
  wire_block_return (WIRE_BLOCK_LENT_BYTES);
}

/* Bytes that own a block keep it until their last reference is dropped. */
static void
test_bytes (void)
{
  GBytes *bytes;
  guint8 *block;
  gsize size;

  wire_block_drop_kept ();
  block = wire_block_new (WIRE_BLOCK_MIN, WIRE_BLOCK_MIN, &size);
  memset (block, 7, size);
  bytes = wire_block_to_bytes (block, size, wire_span (block + 100, 50));
  g_assert_true (g_bytes_get_data (bytes, NULL) == block + 100);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 50);
  g_assert_cmpuint (wire_block_kept_bytes (), ==, 0);
  g_bytes_unref (bytes);
  g_assert_cmpuint (wire_block_kept_bytes (), ==, WIRE_BLOCK_KEEPS ? size : 0);
  wire_block_drop_kept ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/block/kept", test_kept);
  g_test_add_func ("/wire/block/by-size", test_by_size);
  g_test_add_func ("/wire/block/hidden", test_hidden);
  g_test_add_func ("/wire/block/bounded", test_bounded);
  g_test_add_func ("/wire/block/lent", test_lent);
  g_test_add_func ("/wire/block/bytes", test_bytes);
  return g_test_run ();
}
