/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <errno.h>
#include <gmodule.h>
#include <stdatomic.h>
#include <stdlib.h>

/*
 * Counts allocations: the program's own malloc() and its kin, which the libraries use as well, since the dynamic linker finds
 * these first. Each calls the function of the GNU C library by its other name.
 *
 * With G_SLICE=always-malloc in the environment, blocks of GLib's slice allocator are counted, too.
 */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

static atomic_ullong allocations;

guint64
budget_allocations (void)
{
  return atomic_load (&allocations);
}

G_MODULE_EXPORT void *
malloc (size_t size)
{
  atomic_fetch_add (&allocations, 1);
  return __libc_malloc (size);
}

G_MODULE_EXPORT void *
calloc (size_t n, size_t size)
{
  atomic_fetch_add (&allocations, 1);
  return __libc_calloc (n, size);
}

G_MODULE_EXPORT void *
realloc (void *block, size_t size)
{
  atomic_fetch_add (&allocations, 1);
  return __libc_realloc (block, size);
}

G_MODULE_EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  atomic_fetch_add (&allocations, 1);
  return __libc_memalign (alignment, size);
}

G_MODULE_EXPORT int
posix_memalign (void **block, size_t alignment, size_t size)
{
  atomic_fetch_add (&allocations, 1);
  *block = __libc_memalign (alignment, size);
  return *block != NULL || size == 0 ? 0 : ENOMEM;
}
