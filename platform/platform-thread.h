/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Blocks all signals in the calling thread, so that the threads of the host receive them. Does nothing on systems without signals
 * for threads. */
void platform_thread_block_signals (void);

/* Asks the scheduler for a short time slice for the calling thread, or for the usual one of the kernel. With a short slice, a
 * thread that wakes often and runs briefly waits less for threads that use all of their longer slices. Its share of the processor
 * stays the same. This works on Linux 6.12 or later, for threads with the policy SCHED_OTHER. Elsewhere nothing happens. */
void platform_thread_set_slice (gboolean is_short);
