/* SPDX-License-Identifier: Apache-2.0 */
#include "test-system.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

G_STATIC_ASSERT (TEST_SYSTEM_KILLED == -SIGKILL);
G_STATIC_ASSERT (TEST_SYSTEM_ASKED_TO_STOP == -SIGTERM);

guint
test_system_pid (void)
{
  return (guint) getpid ();
}

guint
test_system_account (void)
{
  return (guint) getuid ();
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

guint
test_system_count_descriptors (void)
{
  return count_entries ("/proc/self/fd");
}

guint
test_system_count_threads (void)
{
  return count_entries ("/proc/self/task");
}

GInputStream *
test_system_standard_input (void)
{
  return g_unix_input_stream_new (STDIN_FILENO, FALSE);
}

/* Also runs between fork and exec. */
static void
set_parent_death_signal (gpointer data)
{
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGKILL);
#endif
}

void
test_system_die_with_parent (void)
{
  set_parent_death_signal (NULL);
  if (getppid () == 1) /* the parent ended before the call */
    _exit (1);
}

void
test_system_prepare_child (GSubprocessLauncher *launcher, gintptr handle)
{
  g_subprocess_launcher_set_child_setup (launcher, set_parent_death_signal, NULL, NULL);
  if (handle != -1)
    g_subprocess_launcher_take_fd (launcher, (int) handle, 3);
}

gboolean
test_system_suspend (GSubprocess *process)
{
  const char *identifier = g_subprocess_get_identifier (process);
  siginfo_t info;
  int result;

  if (identifier == NULL)
    return FALSE;
  g_subprocess_send_signal (process, SIGSTOP);
  do /* kill() returns before the process has stopped */
    result = waitid (P_PID, (id_t) g_ascii_strtoll (identifier, NULL, 10), &info, WSTOPPED | WEXITED | WNOWAIT);
  while (result < 0 && errno == EINTR);
  g_assert_true (result == 0 || errno == ECHILD); /* reaped in between */
  return result == 0 && info.si_code == CLD_STOPPED;
}

void
test_system_resume (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGCONT);
}

void
test_system_kill (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGKILL);
}

void
test_system_ask_to_stop (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGTERM);
}

void
test_system_interrupt (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGINT);
}

int
test_system_end_status (GSubprocess *process)
{
  if (g_subprocess_get_if_exited (process))
    return g_subprocess_get_exit_status (process);
  return -g_subprocess_get_term_sig (process);
}

void
test_system_kill_pid (GPid pid)
{
  kill (pid, SIGCONT);
  kill (pid, SIGKILL);
}

gboolean
test_system_is_child (GPid pid)
{
  siginfo_t info;

  return waitid (P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void
test_system_assert_private (const char *address)
{
  g_autofree char *dir = g_path_get_dirname (address);
  GStatBuf mode;

  g_assert_cmpint (g_stat (address, &mode), ==, 0);
  g_assert_true (S_ISSOCK (mode.st_mode));
  g_assert_cmpuint (mode.st_mode & 07777, ==, 0600);
  g_assert_cmpint (g_stat (dir, &mode), ==, 0);
  g_assert_cmpuint (mode.st_mode & 07777, ==, 0700);
}
