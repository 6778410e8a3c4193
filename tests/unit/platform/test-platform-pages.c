/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-pages.h"

#include <string.h>

/* Pages: aligned to their size, zero, and apart from each other. */

#define SIZE    65536u
#define N_PAGES 64u

static void
test_aligned_and_zeroed (void)
{
  guint8 *pages[N_PAGES];

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < N_PAGES; i++)
        {
          pages[i] = platform_pages_take (SIZE);
          g_assert_nonnull (pages[i]);
          g_assert_cmpuint ((guintptr) pages[i] % SIZE, ==, 0);
          g_assert_cmpuint (pages[i][0], ==, 0);
          g_assert_cmpuint (pages[i][SIZE - 1], ==, 0);
          memset (pages[i], (int) i + 1, SIZE);
        }
      for (guint i = 0; i < N_PAGES; i++)
        {
          g_assert_cmpuint (pages[i][0], ==, i + 1);
          g_assert_cmpuint (pages[i][SIZE - 1], ==, i + 1);
          platform_pages_give (pages[i], SIZE);
        }
    }
}

/* Half of the address space, which is larger than any free range. */
static void
test_no_memory (void)
{
  g_assert_null (platform_pages_take ((gsize) 1 << (GLIB_SIZEOF_SIZE_T * 8 - 1)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/pages/aligned-and-zeroed", test_aligned_and_zeroed);
  g_test_add_func ("/platform/pages/no-memory", test_no_memory);
  return g_test_run ();
}
