/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-source.h"
#include "proc-table.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tests of the processes that procmond reads from the system: this one, its children, and one of another user. */

static const ProcRecord *
find (const ProcTable *from, guint32 pid)
{
  for (guint i = 0; i < from->records->len; i++)
    {
      const ProcRecord *one = g_ptr_array_index (from->records, i);

      if (one->pid == pid)
        return one;
    }
  return NULL;
}

/* Field 22, read in another way than the product does. */
static guint64
own_start_time (void)
{
  g_autofree char *text = NULL;
  unsigned long long ticks;

  g_assert_true (g_file_get_contents ("/proc/self/stat", &text, NULL, NULL));
  g_assert_cmpint (sscanf (strrchr (text, ')') + 1,
                           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks),
                   ==, 1);
  return ticks;
}

static void
test_own_process (void)
{
  g_autoptr (ProcTable) all = proc_table_read (0, 1);
  const ProcRecord *self = find (all, (guint32) getpid ());
  g_autofree char *exe = g_file_read_link ("/proc/self/exe", NULL);

  g_assert_nonnull (self);
  g_assert_cmpuint (self->ppid, ==, (guint) getppid ());
  g_assert_cmpuint (self->uid, ==, (guint) getuid ());
  g_assert_cmpuint (self->start_time, ==, own_start_time ());
  g_assert_cmpstr (self->exe, ==, exe);
  g_assert_cmpuint (self->resident_bytes, >, 100000);
  g_assert_nonnull (self->command_line[0]);
  g_assert_nonnull (find (all, 1));
}

/* Not our own, which could be right by chance; only root can make one. */
static void
test_other_user (void)
{
  const uid_t other = 54321;
  g_autoptr (ProcRecord) read_one = NULL;
  int fds[2];
  char ready;
  pid_t child;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root");
      return;
    }
  g_assert_cmpint (pipe (fds), ==, 0);
  child = fork ();
  if (child == 0)
    {
      if (setuid (other) != 0 || write (fds[1], "x", 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  g_assert_cmpint (read (fds[0], &ready, 1), ==, 1);
  read_one = proc_record_read ((guint32) child);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  close (fds[0]);
  close (fds[1]);
  g_assert_nonnull (read_one);
  g_assert_cmpuint (read_one->uid, ==, other);
  g_assert_cmpuint (read_one->ppid, ==, (guint) getpid ());
}

static void
test_shards (void)
{
  g_autoptr (ProcTable) even = proc_table_read (0, 2);
  g_autoptr (ProcTable) odd = proc_table_read (1, 2);
  const ProcTable *mine = getpid () % 2 ? odd : even;
  const ProcTable *other = getpid () % 2 ? even : odd;

  for (guint i = 0; i < even->records->len; i++)
    g_assert_cmpuint (((const ProcRecord *) g_ptr_array_index (even->records, i))->pid % 2, ==, 0);
  g_assert_nonnull (find (mine, (guint32) getpid ()));
  g_assert_null (find (other, (guint32) getpid ()));
}

static void
test_gone (void)
{
  pid_t child = fork ();
  g_autoptr (ProcRecord) alive = NULL;
  g_autoptr (ProcRecord) dead = NULL;

  if (child == 0)
    {
      pause ();
      _exit (0);
    }
  alive = proc_record_read ((guint32) child);
  g_assert_nonnull (alive);
  g_assert_cmpuint (alive->ppid, ==, (guint) getpid ());
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  dead = proc_record_read ((guint32) child);
  g_assert_null (dead);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  proc_source_init ();
  g_test_add_func ("/procmond/table/own-process", test_own_process);
  g_test_add_func ("/procmond/table/other-user", test_other_user);
  g_test_add_func ("/procmond/table/shards", test_shards);
  g_test_add_func ("/procmond/table/gone", test_gone);
  status = g_test_run ();
  proc_source_clear ();
  return status;
}
