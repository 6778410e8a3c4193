/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * A cache of large memory blocks, shared by the whole process, and a common reserve for blocks larger than their owner's
 * allowance.
 *
 * A program that receives large messages allocates and frees a block for each of them. The C library would return the memory to
 * the system each time and get it again page by page, and the kernel clears every page, which costs more than filling the block.
 * So freed blocks are kept here, in lists by size. The block that was freed last is reused first, because the processor's cache
 * may still contain it. Small blocks and very large ones are not kept. With AddressSanitizer no block is kept, so that the
 * sanitizer detects uses after free.
 *
 * The reserve is a number, not memory: wire_block_lend() counts the bytes of blocks that are temporarily larger than the
 * bytes received so far justify (proto/wire-frame.h), so their sum in the process has a limit.
 *
 * Any thread may call these functions. None of them waits, except wire_block_drop_kept(): while another thread holds the lock
 * of the cache, or held it when this process was forked, blocks are allocated and freed with malloc() and free().
 *
 * Invariant: at most WIRE_BLOCK_KEPT_BYTES bytes are kept, and at most WIRE_BLOCK_LENT_BYTES are lent.
 */

#define WIRE_BLOCK_MIN        8192u
#define WIRE_BLOCK_MAX        (2u << 20)
#define WIRE_BLOCK_KEPT_BYTES (8u << 20)
#define WIRE_BLOCK_LENT_BYTES (4u << 20)

#ifdef __SANITIZE_ADDRESS__
#define WIRE_BLOCK_KEEPS 0
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define WIRE_BLOCK_KEEPS 0
#endif
#endif
#ifndef WIRE_BLOCK_KEEPS
#define WIRE_BLOCK_KEEPS 1
#endif

/* Returns a block of at least @wanted bytes, at most half as many more, and never more than @most (which is at least @wanted).
 * @size: (out): its size. NULL: no memory. The block may also be freed with g_free(). */
guint8 *wire_block_new (gsize wanted, gsize most, gsize *size);
/* Frees @block (nullable), or keeps it for reuse. @size: its size; a smaller value is allowed if the caller does not know it. */
void wire_block_free (guint8 *block, gsize size);

/* Returns @part of @block as a GBytes, which owns the block. @size: of the block */
GBytes *wire_block_to_bytes (guint8 *block, gsize size, WireSpan part);

/* Borrows @bytes of the reserve, for a block that exceeds its owner's allowance by them. FALSE: the reserve of the process does
 * not suffice. */
gboolean wire_block_lend (gsize bytes);
void wire_block_return (gsize bytes);

/* For tests: the number of bytes that are kept, and a function that frees all of them. */
gsize wire_block_kept_bytes (void);
void wire_block_drop_kept (void);
