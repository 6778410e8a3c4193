/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-cells.h"

#include <string.h>

/* Cells: taken cells do not overlap, freed cells are used again, and at most a few chunks stay allocated. */

#define N_CELLS 20000u

static void
test_classes (void)
{
  for (gsize size = 1; size <= BUS_CELL_MAX; size++)
    {
      g_assert_cmpuint (bus_cells_class (size), <, BUS_CELLS_CLASSES);
      g_assert_cmpuint (bus_cells_class (size), <=, bus_cells_class (size + 1));
    }
  g_assert_cmpuint (bus_cells_class (16), ==, 0);
  g_assert_cmpuint (bus_cells_class (17), ==, 1);
  g_assert_cmpuint (bus_cells_class (128), ==, 7);
  g_assert_cmpuint (bus_cells_class (129), ==, 8);
  g_assert_cmpuint (bus_cells_class (160), ==, 8);
  g_assert_cmpuint (bus_cells_class (161), ==, 9);
}

typedef struct
{
  guint8 *bytes;
  gsize size;
  guint8 mark;
} Taken;

static void
take (BusCells *cells, Taken *taken, gsize size, guint8 mark)
{
  *taken = (Taken){ bus_cells_take (cells, size), size, mark };
  g_assert_cmpuint ((guintptr) taken->bytes % 16, ==, 0);
  memset (taken->bytes, mark, size);
}

static void
give (BusCells *cells, Taken *taken)
{
  for (gsize i = 0; i < taken->size; i++)
    g_assert_cmpuint (taken->bytes[i], ==, taken->mark);
  bus_cells_give (cells, taken->bytes);
  taken->bytes = NULL;
}

/* Cells of all sizes, taken and given back in any order, keep their bytes. */
static void
test_random (void)
{
  BusCells cells = { .n_spare = 0 };
  Taken taken[512] = { { NULL, 0, 0 } };

  for (guint i = 0; i < 200000; i++)
    {
      Taken *one = &taken[g_test_rand_int_range (0, G_N_ELEMENTS (taken))];

      if (one->bytes != NULL)
        give (&cells, one);
      else
        take (&cells, one, (gsize) g_test_rand_int_range (1, i % 64 == 0 ? BUS_CELL_MAX + 1 : 1024), (guint8) i);
    }
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    if (taken[i].bytes != NULL)
      give (&cells, &taken[i]);
  bus_cells_clear (&cells);
}

/* When a queue of small messages has drained, only the spare chunks and one chunk of its class stay allocated. */
static void
test_drained (void)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  g_test_skip ("with AddressSanitizer cells are blocks of malloc");
#else
  BusCells cells = { .n_spare = 0 };
  g_autofree Taken *taken = g_new0 (Taken, N_CELLS);

  for (guint i = 0; i < N_CELLS; i++)
    take (&cells, &taken[i], 440, (guint8) i);
  g_assert_cmpuint (cells.n_chunks, >, N_CELLS * 440 / BUS_CHUNK_BYTES);
  g_assert_cmpuint (cells.n_chunks, <, N_CELLS * 520 / BUS_CHUNK_BYTES);
  for (guint i = 0; i < N_CELLS; i++)
    give (&cells, &taken[i]);
  g_assert_cmpuint (cells.n_chunks, ==, BUS_CELLS_SPARE + 1);
  bus_cells_clear (&cells);
  g_assert_cmpuint (cells.n_chunks, ==, 0);
#endif
}

/* If only one message exists at a time, each uses the same memory. */
static void
test_one_message_at_a_time_reuses_memory (void)
{
  BusCells cells = { .n_spare = 0 };

  for (guint i = 0; i < N_CELLS; i++)
    bus_cells_give (&cells, bus_cells_take (&cells, 440));
#ifndef BUS_CELLS_ARE_BLOCKS
  g_assert_cmpuint (cells.n_chunks, ==, 1);
#endif
  bus_cells_clear (&cells);
}

/* Spare chunks are used for other classes. */
static void
test_spare_chunks_serve_other_sizes (void)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  g_test_skip ("with AddressSanitizer cells are blocks of malloc");
#else
  BusCells cells = { .n_spare = 0 };
  Taken taken[1000];
  guint64 chunks;
  guint spare;

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    take (&cells, &taken[i], 440, 1);
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    give (&cells, &taken[i]);
  spare = cells.n_spare;
  chunks = cells.n_chunks;
  g_assert_cmpuint (spare, >, 0);
  take (&cells, &taken[0], 64, 2);
  g_assert_cmpuint (cells.n_spare, ==, spare - 1);
  g_assert_cmpuint (cells.n_chunks, ==, chunks);
  give (&cells, &taken[0]);
  bus_cells_clear (&cells);
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/cells/classes", test_classes);
  g_test_add_func ("/core/cells/random", test_random);
  g_test_add_func ("/core/cells/drained", test_drained);
  g_test_add_func ("/core/cells/one-message-at-a-time-reuses-memory", test_one_message_at_a_time_reuses_memory);
  g_test_add_func ("/core/cells/spare-chunks-serve-other-sizes", test_spare_chunks_serve_other_sizes);
  return g_test_run ();
}
