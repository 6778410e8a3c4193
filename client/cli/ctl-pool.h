/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A pool of memory that is freed as a whole: the blocks and strings of one batch of types. Single blocks are never freed.
 */

typedef struct CtlPool CtlPool;

CtlPool *ctl_pool_new (void);
void ctl_pool_free (CtlPool *pool);

/* Zeroed; NULL when @n is 0. */
gpointer ctl_pool_alloc (CtlPool *pool, gsize n, gsize size);
/* A copy of @text. */
char *ctl_pool_string (CtlPool *pool, const char *text);
