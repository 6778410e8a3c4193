/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-message-pool.h"

#include "wire-block.h"

#define SMALLEST 256u

static gsize
pool_class_bytes (guint8 size_class)
{
  return (gsize) SMALLEST << size_class;
}

static guint8
pool_class_of (gsize size)
{
  gsize units = (size - 1) / SMALLEST;

  if (units >> (DEYE_BUS_MESSAGE_POOL_CLASSES - 1) != 0)
    return DEYE_BUS_MESSAGE_POOL_NONE;
  return units > 0 ? (guint8) g_bit_storage (units) : 0;
}

gpointer
deye_bus_message_pool_take (DeyeBusMessagePool *pool, gsize *size, guint8 *size_class)
{
  DeyeBusMessageBlock *block;

  *size_class = pool != NULL ? pool_class_of (*size) : DEYE_BUS_MESSAGE_POOL_NONE;
  if (*size_class == DEYE_BUS_MESSAGE_POOL_NONE)
    return wire_block_new (*size, G_MAXSIZE, size);
  *size = pool_class_bytes (*size_class);
  block = pool->lists[*size_class];
  if (block == NULL)
    return g_try_malloc (*size);
  pool->lists[*size_class] = block->next;
  pool->kept_bytes -= *size;
  return block;
}

void
deye_bus_message_pool_give (DeyeBusMessagePool *pool, gpointer block, gsize size, guint8 size_class)
{
  DeyeBusMessageBlock *first = block;

  if (size_class == DEYE_BUS_MESSAGE_POOL_NONE
      || pool->kept_bytes + pool_class_bytes (size_class) > DEYE_BUS_MESSAGE_POOL_BYTES)
    {
      wire_block_free (block, size);
      return;
    }
  first->next = pool->lists[size_class];
  pool->lists[size_class] = first;
  pool->kept_bytes += pool_class_bytes (size_class);
}

void
deye_bus_message_pool_clear (DeyeBusMessagePool *pool)
{
  for (guint i = 0; i < DEYE_BUS_MESSAGE_POOL_CLASSES; i++)
    while (pool->lists[i] != NULL)
      {
        DeyeBusMessageBlock *block = pool->lists[i];

        pool->lists[i] = block->next;
        g_free (block);
      }
  pool->kept_bytes = 0;
}
