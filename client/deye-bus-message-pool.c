/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-message-pool.h"

#include "wire-block.h"

#define UNIT        128u /* the sizes of classes are multiples of it */
#define SMALL_UNITS 8u   /* most messages are not larger */
#define LARGEST     16384u

/* Bytes of the blocks of each class. */
static const guint16 pool_bytes[DEYE_BUS_MESSAGE_POOL_CLASSES]
    = { 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, LARGEST };

/* The class for a number of units, less one. */
static const guint8 pool_small_classes[SMALL_UNITS] = { 0, 0, 1, 2, 3, 3, 4, 4 };

/* The smallest class with room for @size. */
static inline guint8
pool_class_of (gsize size)
{
  const gsize units = (size - 1) / UNIT;
  guint8 size_class = 0;

  if (G_LIKELY (units < SMALL_UNITS))
    return pool_small_classes[units];
  if (size > LARGEST)
    return DEYE_BUS_MESSAGE_POOL_NONE;
  while (pool_bytes[size_class] < size)
    size_class++;
  return size_class;
}

gpointer
deye_bus_message_pool_take (DeyeBusMessagePool *pool, gsize *size, guint8 *size_class)
{
  DeyeBusMessageBlock *block;

  *size_class = pool != NULL ? pool_class_of (*size) : DEYE_BUS_MESSAGE_POOL_NONE;
  if (*size_class == DEYE_BUS_MESSAGE_POOL_NONE)
    return wire_block_new (*size, G_MAXSIZE, size);
  *size = pool_bytes[*size_class];
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
      || pool->kept_bytes + pool_bytes[size_class] > DEYE_BUS_MESSAGE_POOL_BYTES)
    {
      wire_block_free (block, size);
      return;
    }
  first->next = pool->lists[size_class];
  pool->lists[size_class] = first;
  pool->kept_bytes += pool_bytes[size_class];
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
