/* SPDX-License-Identifier: Apache-2.0 */
#include "host-children.h"

#include "deye-bus-place.h"

#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#define STOP_GRACE_US (2 * G_TIME_SPAN_SECOND)

/* Between fork and exec: async-signal-safe calls only. The parent may be gone already, then getppid() has changed. */
static void
die_with_parent (gpointer data)
{
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != GPOINTER_TO_INT (data))
    _exit (127);
#endif
  signal (SIGPIPE, SIG_DFL); /* GSocket ignores it for the process; children get the usual */
}

HostChild *
host_child_start (const char *name, const char *const *argv, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  GSubprocess *process;
  const char *identifier;
  HostChild *child;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, GINT_TO_POINTER ((int) getpid ()), NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (process == NULL)
    return NULL;
  child = g_new0 (HostChild, 1);
  child->name = g_strdup (name);
  child->process = process;
  identifier = g_subprocess_get_identifier (process);
  child->pid = identifier != NULL ? (GPid) g_ascii_strtoll (identifier, NULL, 10) : 0; /* NULL: it has ended already */
  return child;
}

typedef struct
{
  gboolean ended;
  gboolean late;
} Wait;

static void
on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  ((Wait *) data)->ended = TRUE;
}

static gboolean
on_late (gpointer data)
{
  ((Wait *) data)->late = TRUE;
  return G_SOURCE_CONTINUE;
}

void
host_child_stop (HostChild *child, gint64 grace_us)
{
  Wait wait = { FALSE, FALSE };
  guint timer;

  if (child->process == NULL)
    return;
  g_subprocess_send_signal (child->process, SIGTERM);
  g_subprocess_wait_async (child->process, NULL, on_ended, &wait);
  timer = g_timeout_add ((guint) (grace_us / 1000), on_late, &wait);
  while (!wait.ended && !wait.late)
    g_main_context_iteration (NULL, TRUE);
  if (!wait.ended)
    g_subprocess_force_exit (child->process);
  while (!wait.ended)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  g_clear_object (&child->process);
}

void
host_child_free (HostChild *child)
{
  if (child == NULL)
    return;
  host_child_stop (child, STOP_GRACE_US);
  g_free (child->name);
  g_free (child);
}

char *
host_child_find (const char *name, const char *const *places)
{
  for (; *places != NULL; places++)
    {
      g_autofree char *path = deye_bus_place_beside_program (*places);

      if (path != NULL && g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&path);
    }
  return g_find_program_in_path (name);
}
