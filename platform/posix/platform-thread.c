/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

void
platform_thread_block_signals (void)
{
  sigset_t all;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
}

/*
 * The Linux scheduler (EEVDF: I. Stoica, H. Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995) gives each thread a
 * virtual deadline that is a slice away. A thread with a shorter slice has an earlier deadline, so after a wake-up it runs before
 * threads with longer slices. See sched_setattr(2), `sched_runtime`; the C library has no function for it, and the header of the
 * kernel conflicts with its <sched.h>.
 */
#if defined(__linux__) && defined(SYS_sched_getattr) && defined(SYS_sched_setattr)

#define SLICE_NS 100000u /* the shortest that Linux grants */

typedef struct
{
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime_ns;
  uint64_t deadline_ns;
  uint64_t period_ns;
} ThreadSchedule; /* struct sched_attr in its first version */

/* All other attributes stay as they are. An older kernel ignores the slice; a sandbox may refuse the call, or end the process for
 * it. */
void
platform_thread_set_slice (gboolean is_short)
{
  ThreadSchedule schedule = { .size = sizeof schedule };

  if (syscall (SYS_sched_getattr, 0, &schedule, sizeof schedule, 0) != 0 || schedule.policy != SCHED_OTHER)
    return;
  schedule.size = sizeof schedule;
  schedule.runtime_ns = is_short ? SLICE_NS : 0;
  (void) syscall (SYS_sched_setattr, 0, &schedule, 0);
}

#else

void
platform_thread_set_slice (gboolean is_short)
{
}

#endif
