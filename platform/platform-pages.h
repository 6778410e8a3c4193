/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Memory from the system, aligned to its own size and separate from the heap of malloc(). Freed memory is returned to the system
 * at once, even if memory that was allocated later is still in use.
 */

/* @size: a power of two, at least the size of a page. The memory is zero. NULL: no memory. */
gpointer platform_pages_take (gsize size);
void platform_pages_give (gpointer pages, gsize size);
