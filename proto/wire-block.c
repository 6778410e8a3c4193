/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-block.h"

#define MIN_POWER       13u                 /* of WIRE_BLOCK_MIN */
#define ROUND_POWER     4u                  /* new blocks are at most a sixteenth larger than wanted */
#define STEPS           (1u << ROUND_POWER) /* classes for each power of two */
#define CLASSES         ((21u - MIN_POWER) * STEPS + 1u)
#define EXAMINED_BLOCKS 4u /* of each class: some may be too small, or too large for the caller */
#define LARGER_CLASSES  4u /* that are searched, too: a quarter of the power of two */

G_STATIC_ASSERT (WIRE_BLOCK_MIN == 1u << MIN_POWER);
G_STATIC_ASSERT (WIRE_BLOCK_MAX == 1u << 21);

/* Header of a kept block, stored in the block itself. */
typedef struct KeptBlock KeptBlock;
struct KeptBlock
{
  KeptBlock *next;
  gsize size;
};

static GMutex block_lock;
static KeptBlock *block_kept[CLASSES]; /* lists by class: blocks at least as large as the class */
static gsize block_kept_bytes;
static gssize block_lent_bytes; /* atomic */
static guint block_hand;        /* the class from which the last block was dropped */

/* Sizes are rounded to the smallest size of a class, so nearly all blocks of a class have the same size. In wider classes,
 * blocks that are a little too small for the current load would be found first, and hide larger ones behind them.
 *
 * @size: from WIRE_BLOCK_MIN to WIRE_BLOCK_MAX. */
static guint
block_class (gsize size)
{
  guint power = g_bit_storage (size) - 1;

  return (power - MIN_POWER) * STEPS + (guint) (size >> (power - ROUND_POWER)) - STEPS;
}

static gboolean
block_may_be_kept (gsize size)
{
  return WIRE_BLOCK_KEEPS && size >= WIRE_BLOCK_MIN && size <= WIRE_BLOCK_MAX;
}

static guint8 *
block_take_out (KeptBlock **place, gsize *size)
{
  KeptBlock *kept = *place;

  *place = kept->next;
  *size = kept->size;
  block_kept_bytes -= kept->size;
  return (guint8 *) kept;
}

static guint8 *
block_take_of (guint class_index, gsize wanted, gsize most, gsize *size)
{
  KeptBlock **place = &block_kept[class_index];

  for (guint i = 0; i < EXAMINED_BLOCKS && *place != NULL; i++, place = &(*place)->next)
    if ((*place)->size >= wanted && (*place)->size <= most)
      return block_take_out (place, size);
  return NULL;
}

static guint8 *
block_take (gsize wanted, gsize most, gsize *size)
{
  const guint own = block_class (wanted);
  const guint last = MIN (own + LARGER_CLASSES, CLASSES - 1);
  guint8 *block = NULL;

  for (guint i = own; i <= last && block == NULL; i++)
    block = block_take_of (i, wanted, most, size);
  return block;
}

/* Rounds up, so that a block can be reused for a frame that is a few bytes longer. */
static gsize
block_round (gsize wanted)
{
  const gsize step = (gsize) 1 << (g_bit_storage (wanted) - 1 - ROUND_POWER);

  return (wanted + step - 1) & ~(step - 1);
}

guint8 *
wire_block_new (gsize wanted, gsize most, gsize *size)
{
  guint8 *block = NULL;

  if (block_may_be_kept (wanted) && g_mutex_trylock (&block_lock))
    {
      block = block_take (wanted, most, size);
      g_mutex_unlock (&block_lock);
    }
  if (block != NULL)
    return block;
  *size = block_may_be_kept (wanted) ? MIN (block_round (wanted), most) : wanted;
  return g_try_malloc (*size);
}

/* Drops one block of the next class that has any. All classes take turns, so sizes that are not used any more disappear. */
static void
block_drop_one (void)
{
  gsize size;

  do
    block_hand = (block_hand + 1) % CLASSES;
  while (block_kept[block_hand] == NULL);
  g_free (block_take_out (&block_kept[block_hand], &size));
}

static void
block_keep (guint8 *block, gsize size)
{
  KeptBlock *kept = (gpointer) block;
  KeptBlock **first = &block_kept[block_class (size)];

  while (block_kept_bytes + size > WIRE_BLOCK_KEPT_BYTES)
    block_drop_one ();
  *kept = (KeptBlock){ *first, size };
  *first = kept;
  block_kept_bytes += size;
}

void
wire_block_free (guint8 *block, gsize size)
{
  if (block == NULL || !block_may_be_kept (size) || !g_mutex_trylock (&block_lock))
    {
      g_free (block);
      return;
    }
  block_keep (block, size);
  g_mutex_unlock (&block_lock);
}

typedef struct
{
  guint8 *block;
  gsize size;
} OwnedBlock;

static void
block_free_owned (gpointer data)
{
  OwnedBlock *owned = data;

  wire_block_free (owned->block, owned->size);
  g_free (owned);
}

GBytes *
wire_block_to_bytes (guint8 *block, gsize size, WireSpan part)
{
  OwnedBlock *owned = g_new (OwnedBlock, 1);

  *owned = (OwnedBlock){ block, size };
  return g_bytes_new_with_free_func (part.data, part.len, block_free_owned, owned);
}

gboolean
wire_block_lend (gsize bytes)
{
  const gsize before = (gsize) g_atomic_pointer_add (&block_lent_bytes, (gssize) bytes);

  if (bytes <= WIRE_BLOCK_LENT_BYTES && before <= WIRE_BLOCK_LENT_BYTES - bytes)
    return TRUE;
  wire_block_return (bytes);
  return FALSE;
}

void
wire_block_return (gsize bytes)
{
  g_atomic_pointer_add (&block_lent_bytes, -(gssize) bytes);
}

gsize
wire_block_kept_bytes (void)
{
  return block_kept_bytes;
}

void
wire_block_drop_kept (void)
{
  g_mutex_lock (&block_lock);
  while (block_kept_bytes > 0)
    block_drop_one ();
  g_mutex_unlock (&block_lock);
}
