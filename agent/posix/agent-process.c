/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-process.h"

#include "agent-notify.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

typedef struct
{
  pid_t parent;
  int report; /* write end of a pipe: the child writes its number to it */
} AgentProcessSetup;

/* Runs between fork() and exec(), so it may call only async-signal-safe functions. If the parent has already ended, getppid() has
 * changed. */
static void
agent_process_set_up_child (gpointer data)
{
  const AgentProcessSetup *setup = data;
  guint32 own = (guint32) getpid ();

#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != setup->parent)
    _exit (127);
#endif
  if (write (setup->report, &own, sizeof own) != (ssize_t) sizeof own)
    _exit (127);
  signal (SIGPIPE, SIG_DFL); /* GSocket ignores SIGPIPE in this process; a child gets the default action */
}

/* Reads the number from the pipe, because g_subprocess_get_identifier() returns NULL for a child that has already ended. */
static guint32
agent_process_read_number (int report)
{
  guint32 pid = 0;

  return read (report, &pid, sizeof pid) == (ssize_t) sizeof pid ? pid : 0;
}

GSubprocess *
agent_process_start (const char *const *argv, guint32 *pid, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  AgentProcessSetup setup = { .parent = getpid () };
  GSubprocess *process;
  int report[2];

  if (!g_unix_open_pipe (report, FD_CLOEXEC, error))
    return NULL;
  setup.report = report[1];
  for (const char *const *name = agent_notify_variables; *name != NULL; name++)
    g_subprocess_launcher_unsetenv (launcher, *name);
  g_subprocess_launcher_set_child_setup (launcher, agent_process_set_up_child, &setup, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  close (report[1]);
  if (process != NULL && pid != NULL)
    *pid = agent_process_read_number (report[0]);
  close (report[0]);
  return process;
}

void
agent_process_ask_to_end (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGTERM);
}

/* A process is suspended when all its threads are. On a busy machine this takes some time after the signal. */
gboolean
agent_process_suspend (GSubprocess *process, GError **error)
{
  const char *number = g_subprocess_get_identifier (process); /* NULL: the process has ended */
  siginfo_t info;
  int result;

  g_subprocess_send_signal (process, SIGSTOP);
  do
    result = waitid (P_PID, number != NULL ? (id_t) g_ascii_strtoll (number, NULL, 10) : 0, &info, WSTOPPED);
  while (result < 0 && errno == EINTR);
  if (result == 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
  return FALSE;
}

void
agent_process_resume (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGCONT);
}
