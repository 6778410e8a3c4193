/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-block.h"

typedef struct
{
  guint8 *bytes; /* NULL: the place is free */
  gsize size;
} KeptBlock;

static GMutex block_lock;
static KeptBlock block_kept[WIRE_BLOCK_KEPT];
static gsize block_kept_bytes;
static guint block_oldest;

static guint8 *
block_take_out (KeptBlock *kept)
{
  block_kept_bytes -= kept->size;
  kept->size = 0;
  return g_steal_pointer (&kept->bytes);
}

static guint8 *
block_take (gsize wanted, gsize *size)
{
  for (guint i = 0; i < WIRE_BLOCK_KEPT; i++)
    if (block_kept[i].size >= wanted && block_kept[i].size <= 2 * wanted)
      {
        *size = block_kept[i].size;
        return block_take_out (&block_kept[i]);
      }
  return NULL;
}

guint8 *
wire_block_new (gsize wanted, gsize *size)
{
  guint8 *block = NULL;

  if (wanted >= WIRE_BLOCK_MIN && g_mutex_trylock (&block_lock))
    {
      block = block_take (wanted, size);
      g_mutex_unlock (&block_lock);
    }
  if (block != NULL)
    return block;
  *size = wanted;
  return g_try_realloc (NULL, wanted);
}

static KeptBlock *
block_find_place (void)
{
  for (guint i = 0; i < WIRE_BLOCK_KEPT; i++)
    if (block_kept[i].bytes == NULL)
      return &block_kept[i];
  return NULL;
}

static void
block_drop_oldest (void)
{
  g_free (block_take_out (&block_kept[block_oldest++ % WIRE_BLOCK_KEPT]));
}

static void
block_keep (guint8 *block, gsize size)
{
  KeptBlock *place;

  while ((place = block_find_place ()) == NULL || block_kept_bytes + size > WIRE_BLOCK_KEPT_BYTES)
    block_drop_oldest ();
  *place = (KeptBlock){ block, size };
  block_kept_bytes += size;
}

void
wire_block_free (guint8 *block, gsize size)
{
  if (block == NULL || size < WIRE_BLOCK_MIN || size > WIRE_BLOCK_KEPT_BYTES / 2 || !g_mutex_trylock (&block_lock))
    {
      g_free (block);
      return;
    }
  block_keep (block, size);
  g_mutex_unlock (&block_lock);
}
