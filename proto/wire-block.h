/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Large blocks of memory that are used again.
 *
 * A program that receives a message of 1 MiB at a time gets and returns a block for each of them. The C library then returns
 * the memory to the system and gets it again, page by page, which costs several times as much as the message. So the last few
 * blocks that were freed here are kept for the whole process. Small blocks, and those of sizes that are not asked for, are not
 * kept.
 *
 * Any thread may call these functions. None of them waits: while another thread is in here, or was when this process was
 * forked, blocks come from malloc() and go back there.
 *
 * Invariant: at most WIRE_BLOCK_KEPT blocks and WIRE_BLOCK_KEPT_BYTES bytes are kept.
 */

#define WIRE_BLOCK_MIN        32768u
#define WIRE_BLOCK_KEPT       4u
#define WIRE_BLOCK_KEPT_BYTES (4u << 20)

/* At least @wanted bytes, and at most twice as many; NULL: no memory. The block may also be freed with g_free(). */
guint8 *wire_block_new (gsize wanted, gsize *size);
/* @size: its whole size, as far as it is known. @block: (nullable) */
void wire_block_free (guint8 *block, gsize size);
