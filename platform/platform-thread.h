/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keeps signals away from the calling thread, so that the threads of the host receive them. Where the system has no signals
 * for threads it does nothing. */
void platform_thread_block_signals (void);
