/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Blocks all signals in the calling thread, so that the threads of the host receive them. Does nothing on systems without signals
 * for threads. */
void platform_thread_block_signals (void);
