/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Large blocks of memory that are used again.
 *
 * A program that receives large messages gets and returns a block for each of them. The C library then returns the memory to the
 * system and gets it again, page by page, and the system clears every page, which costs more than to fill the block. So blocks that
 * were freed here are kept for the whole process, in lists by size; the last one freed is the first one used, since the cache of the
 * processor may still have it. Small blocks, and very large ones, are not kept. With AddressSanitizer none is, so that it sees
 * blocks that are used after they were freed.
 *
 * Any thread may call these functions. None of them waits: while another thread is in here, or was when this process was
 * forked, blocks come from malloc() and go back there.
 *
 * Invariant: at most WIRE_BLOCK_KEPT_BYTES bytes are kept, and at most WIRE_BLOCK_LENT_BYTES lent.
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

/* At least @wanted bytes, at most half as many more, and not more than @most, which is not less than @wanted. NULL: no memory. The
 * block may also be freed with g_free(). */
guint8 *wire_block_new (gsize wanted, gsize most, gsize *size);
/* @size: its whole size, as far as it is known. @block: (nullable) */
void wire_block_free (guint8 *block, gsize size);

/* The owner of a block above its allowance borrows the difference. FALSE: too much is lent already, in the whole process. */
gboolean wire_block_lend (gsize bytes);
void wire_block_return (gsize bytes);

/* For tests: how much this process keeps, and an end of that. */
gsize wire_block_kept_bytes (void);
void wire_block_drop_kept (void);
