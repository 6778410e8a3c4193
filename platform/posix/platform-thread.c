/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

void
platform_thread_block_signals (void)
{
  sigset_t all;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
}
