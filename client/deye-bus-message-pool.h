/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Blocks of received messages that were freed and wait for the next message.
 *
 * There is a list for each class of sizes. The thread that receives owns the pool: a message that is freed in another thread
 * returns to the allocator. Larger blocks are those of wire-block, which any thread may free. The lists hold at most
 * DEYE_BUS_MESSAGE_POOL_BYTES, the size of one read.
 *
 * Invariant: kept_bytes is the sum of the blocks in the lists.
 */

#define DEYE_BUS_MESSAGE_POOL_BYTES   (256u * 1024u)
#define DEYE_BUS_MESSAGE_POOL_CLASSES 7u /* of 256 bytes to 16 KiB, each twice the one before it */
#define DEYE_BUS_MESSAGE_POOL_NONE    G_MAXUINT8

typedef struct DeyeBusMessageBlock
{
  struct DeyeBusMessageBlock *next;
} DeyeBusMessageBlock;

/* All zero: it is empty. */
typedef struct
{
  DeyeBusMessageBlock *lists[DEYE_BUS_MESSAGE_POOL_CLASSES];
  gsize kept_bytes;
} DeyeBusMessagePool;

/* The contents of the block are not defined. @size: that is needed; set to what the block has. @size_class: to give it back;
 * NONE: it is too large, and a block of wire-block. @pool: (nullable). NULL: no memory. */
gpointer deye_bus_message_pool_take (DeyeBusMessagePool *pool, gsize *size, guint8 *size_class);

/* @block: taken with @size_class, and of nobody else any more. It is freed when the pool is full. @size: of a block of NONE, or
 * 0. */
void deye_bus_message_pool_give (DeyeBusMessagePool *pool, gpointer block, gsize size, guint8 size_class);

void deye_bus_message_pool_clear (DeyeBusMessagePool *pool);
