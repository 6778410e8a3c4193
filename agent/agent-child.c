/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-child.h"

#include "agent-process.h"
#include "platform-place.h"

#define STOP_GRACE_US (2 * G_TIME_SPAN_SECOND)

AgentChild *
agent_child_start (const char *name, const char *const *argv, GError **error)
{
  GSubprocess *process = agent_process_start (argv, error);
  const char *number;
  AgentChild *child;

  if (process == NULL)
    return NULL;
  child = g_new0 (AgentChild, 1);
  child->name = g_strdup (name);
  child->process = process;
  number = g_subprocess_get_identifier (process); /* NULL: it has ended already */
  child->pid = number != NULL ? (guint32) g_ascii_strtoull (number, NULL, 10) : 0;
  return child;
}

AgentChild *
agent_child_start_own_program (const char *name, const char *const *options, GError **error)
{
  g_autofree char *program = platform_program_for_child ();
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  g_ptr_array_add (argv, program != NULL ? program : (gpointer) "daemoneye-agent");
  for (; *options != NULL; options++)
    g_ptr_array_add (argv, (gpointer) *options);
  g_ptr_array_add (argv, NULL);
  return agent_child_start (name, (const char *const *) argv->pdata, error);
}

typedef struct
{
  gboolean ended;
  gboolean late;
} ChildWait;

static void
child_on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  ((ChildWait *) data)->ended = TRUE;
}

static gboolean
child_on_late (gpointer data)
{
  ((ChildWait *) data)->late = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
child_stop (AgentChild *child, gint64 grace_us)
{
  ChildWait wait = { FALSE, FALSE };
  guint timer;

  agent_process_ask_to_end (child->process);
  g_subprocess_wait_async (child->process, NULL, child_on_ended, &wait);
  timer = g_timeout_add ((guint) (grace_us / 1000), child_on_late, &wait);
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
agent_child_free (AgentChild *child)
{
  if (child == NULL)
    return;
  child_stop (child, STOP_GRACE_US);
  g_free (child->name);
  g_free (child);
}

char *
agent_child_find (const char *name, const char *const *places)
{
  for (; *places != NULL; places++)
    {
      g_autofree char *path = platform_beside_program (*places);

      if (path != NULL && g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer (&path);
    }
  return g_find_program_in_path (name);
}
