/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-thread.h"

#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct
{
  gint policy;
  gint nice;
  guint64 slice_ns; /* 0: the kernel does not report it */
} Schedule;

static Schedule
schedule_get (void)
{
  Schedule schedule = { .policy = sched_getscheduler (0), .nice = getpriority (PRIO_PROCESS, 0) };
#ifdef SYS_sched_getattr
  guint64 words[6] = { 0 }; /* struct sched_attr; the slice follows 24 bytes of other fields */

  g_assert_cmpint (syscall (SYS_sched_getattr, 0, words, sizeof words, 0), ==, 0);
  schedule.slice_ns = words[3];
#endif
  return schedule;
}

static gpointer
run_short (gpointer data)
{
  Schedule *schedules = data;

  platform_thread_set_slice (TRUE);
  schedules[0] = schedule_get ();
  platform_thread_set_slice (FALSE);
  schedules[1] = schedule_get ();
  return NULL;
}

/* Only the slice of the calling thread changes. */
static void
test_short_slice (void)
{
  const Schedule before = schedule_get ();
  Schedule changed[2] = { 0 }, after;

  g_thread_join (g_thread_new ("short", run_short, changed));
  after = schedule_get ();
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (changed[i].policy, ==, before.policy);
      g_assert_cmpint (changed[i].nice, ==, before.nice);
    }
  g_assert_cmpuint (after.slice_ns, ==, before.slice_ns);
  g_assert_cmpuint (changed[1].slice_ns, ==, before.slice_ns);
  if (before.slice_ns == 0 || before.policy != SCHED_OTHER)
    g_test_skip ("no slices of single threads with this kernel and policy");
  else
    g_assert_cmpuint (changed[0].slice_ns, ==, 100000);
}

static gpointer
run_blocked (gpointer data)
{
  platform_thread_block_signals ();
  g_assert_cmpint (pthread_sigmask (SIG_BLOCK, NULL, data), ==, 0);
  return NULL;
}

static void
test_block_signals (void)
{
  sigset_t blocked, others;

  sigemptyset (&blocked);
  g_thread_join (g_thread_new ("blocked", run_blocked, &blocked));
  g_assert_cmpint (sigismember (&blocked, SIGTERM), ==, 1);
  g_assert_cmpint (sigismember (&blocked, SIGUSR1), ==, 1);
  g_assert_cmpint (pthread_sigmask (SIG_BLOCK, NULL, &others), ==, 0);
  g_assert_cmpint (sigismember (&others, SIGTERM), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/thread/short-slice", test_short_slice);
  g_test_add_func ("/platform/thread/block-signals", test_block_signals);
  return g_test_run ();
}
