/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-process.h"

#include "agent-notify.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Runs between fork and exec: async-signal-safe calls only. When the parent has already ended, getppid() has changed. */
static void
agent_process_set_up_child (gpointer data)
{
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != GPOINTER_TO_INT (data))
    _exit (127);
#endif
  signal (SIGPIPE, SIG_DFL); /* GSocket ignores SIGPIPE in this process; a child gets the default action */
}

GSubprocess *
agent_process_start (const char *const *argv, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);

  for (const char *const *name = agent_notify_variables; *name != NULL; name++)
    g_subprocess_launcher_unsetenv (launcher, *name);
  g_subprocess_launcher_set_child_setup (launcher, agent_process_set_up_child, GINT_TO_POINTER ((int) getpid ()), NULL);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

void
agent_process_ask_to_end (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGTERM);
}

/* A process is suspended when the last of its threads is, which on a busy machine takes a while after the signal. */
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
