/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Blocks all signals in the calling thread, so that the threads of the host receive them. Does nothing on systems without signals
 * for threads. */
void platform_thread_block_signals (void);

/* Asks the scheduler for a short time slice for the calling thread, or for the usual one. A thread that wakes often and runs
 * briefly then waits less for threads that use all of their longer slices, and gets the same share of the processor. Has an effect
 * since Linux 6.12, for threads with the normal scheduling policy. */
void platform_thread_set_slice (gboolean is_short);
