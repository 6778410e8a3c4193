/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Memory from the system, aligned to its own size, beside the heap of malloc: what is given back returns to the system at once,
 * whatever was allocated after it.
 */

/* @size: a power of two, at least the size of a page. The memory is zero. NULL: there is none. */
gpointer platform_pages_take (gsize size);
void platform_pages_give (gpointer pages, gsize size);
