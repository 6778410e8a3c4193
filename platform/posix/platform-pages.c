/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-pages.h"

#include <sys/mman.h>

static gpointer
pages_map (gsize size)
{
  gpointer pages = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return pages != MAP_FAILED ? pages : NULL;
}

/* Maps twice the size, and unmaps all but the part that is aligned. */
gpointer
platform_pages_take (gsize size)
{
  guint8 *all = pages_map (2 * size);
  gsize before;

  if (all == NULL)
    return NULL;
  before = (size - ((guintptr) all & (size - 1))) & (size - 1);
  if (before > 0)
    munmap (all, before);
  munmap (all + before + size, size - before);
  return all + before;
}

void
platform_pages_give (gpointer pages, gsize size)
{
  munmap (pages, size);
}
