/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-pool.h"

struct CtlPool
{
  GPtrArray *blocks;
  GStringChunk *strings;
};

CtlPool *
ctl_pool_new (void)
{
  CtlPool *pool = g_new0 (CtlPool, 1);

  pool->blocks = g_ptr_array_new_with_free_func (g_free);
  pool->strings = g_string_chunk_new (1024);
  return pool;
}

void
ctl_pool_free (CtlPool *pool)
{
  g_ptr_array_unref (pool->blocks);
  g_string_chunk_free (pool->strings);
  g_free (pool);
}

gpointer
ctl_pool_alloc (CtlPool *pool, gsize n, gsize size)
{
  gpointer block;

  if (n == 0)
    return NULL;
  block = g_malloc0_n (n, size);
  g_ptr_array_add (pool->blocks, block);
  return block;
}

char *
ctl_pool_string (CtlPool *pool, const char *text)
{
  return g_string_chunk_insert (pool->strings, text);
}
