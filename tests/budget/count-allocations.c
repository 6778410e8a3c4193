/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <errno.h>
#include <gmodule.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

/*
 * Counts allocations and allocated bytes: defines malloc() and the related functions, which the libraries use as well, because the
 * dynamic linker finds these first. Each calls the function of the GNU C library by its internal name.
 *
 * With G_SLICE=always-malloc in the environment, blocks of GLib's slice allocator are counted as well.
 */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *block);

#define HEADER 8u /* of a block, in the GNU C library */

static atomic_ullong allocations;
static atomic_ullong bytes;

guint64
budget_allocations (void)
{
  return atomic_load (&allocations);
}

guint64
budget_bytes (void)
{
  return atomic_load (&bytes);
}

static void *
count_block (void *block)
{
  atomic_fetch_add (&allocations, 1);
  if (block != NULL)
    atomic_fetch_add (&bytes, malloc_usable_size (block) + HEADER);
  return block;
}

static void
discount_block (void *block)
{
  if (block != NULL)
    atomic_fetch_sub (&bytes, malloc_usable_size (block) + HEADER);
}

G_MODULE_EXPORT void *
malloc (size_t size)
{
  return count_block (__libc_malloc (size));
}

G_MODULE_EXPORT void *
calloc (size_t n, size_t size)
{
  return count_block (__libc_calloc (n, size));
}

G_MODULE_EXPORT void *
realloc (void *block, size_t size)
{
  const size_t before = block != NULL ? malloc_usable_size (block) + HEADER : 0;
  void *moved = __libc_realloc (block, size);

  if (moved != NULL || size == 0)
    atomic_fetch_sub (&bytes, before);
  return count_block (moved);
}

G_MODULE_EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  return count_block (__libc_memalign (alignment, size));
}

G_MODULE_EXPORT int
posix_memalign (void **block, size_t alignment, size_t size)
{
  *block = count_block (__libc_memalign (alignment, size));
  return *block != NULL || size == 0 ? 0 : ENOMEM;
}

G_MODULE_EXPORT void
free (void *block)
{
  discount_block (block);
  __libc_free (block);
}
