/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A pool of blocks of received messages: freed blocks are kept for the next messages.
 *
 * There is a list for each class of sizes. The receiving thread owns the pool; a message that is freed in another thread
 * returns its block to the allocator. Larger blocks come from wire-block, and any thread may free them. The lists contain at
 * most DEYE_BUS_MESSAGE_POOL_BYTES, the size of one read.
 *
 * Invariant: kept_bytes is the sum of the blocks in the lists.
 */

#define DEYE_BUS_MESSAGE_POOL_BYTES   (256u * 1024u)
#define DEYE_BUS_MESSAGE_POOL_CLASSES 13u /* of 256 bytes to 16 KiB: 256, 384, 512, 768, 1024, ... */
#define DEYE_BUS_MESSAGE_POOL_NONE    G_MAXUINT8

typedef struct DeyeBusMessageBlock
{
  struct DeyeBusMessageBlock *next;
} DeyeBusMessageBlock;

/* A pool that is zero-filled is empty. */
typedef struct
{
  DeyeBusMessageBlock *lists[DEYE_BUS_MESSAGE_POOL_CLASSES];
  gsize kept_bytes;
} DeyeBusMessagePool;

/* Takes a block, whose contents are not defined. @size: (inout): the size that is needed, and that of the block. @size_class:
 * (out): for give(); NONE: the block is too large for the pool, and comes from wire-block. @pool: (nullable). NULL: no
 * memory. */
gpointer deye_bus_message_pool_take (DeyeBusMessagePool *pool, gsize *size, guint8 *size_class);

/* Gives back @block, which take() returned with @size_class and which is not used any more. It is freed if the pool is full.
 * @size: the size of a block with the class NONE, otherwise 0. */
void deye_bus_message_pool_give (DeyeBusMessagePool *pool, gpointer block, gsize size, guint8 size_class);

void deye_bus_message_pool_clear (DeyeBusMessagePool *pool);
