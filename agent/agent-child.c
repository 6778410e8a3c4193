/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-child.h"

#include "agent-process.h"
#include "platform-place.h"

#define STOP_GRACE_US (2 * G_TIME_SPAN_SECOND)

static void
child_on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  AgentChild *child = data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  child->has_ended = TRUE;
  if (child->on_ended != NULL)
    child->on_ended (child, child->data);
}

AgentChild *
agent_child_start (const char *name, const char *const *argv, GError **error)
{
  guint32 pid = 0;
  GSubprocess *process = agent_process_start (argv, &pid, error);
  AgentChild *child;

  if (process == NULL)
    return NULL;
  child = g_new0 (AgentChild, 1);
  child->name = g_strdup (name);
  child->process = process;
  child->pid = pid;
  g_subprocess_wait_async (process, NULL, child_on_ended, child); /* agent_child_free() waits for it */
  return child;
}

void
agent_child_watch (AgentChild *child, AgentChildEnded on_ended, gpointer data)
{
  child->on_ended = on_ended;
  child->data = data;
  if (child->has_ended)
    on_ended (child, data);
}

char *
agent_child_describe_end (const AgentChild *child)
{
  int number;

  if (g_subprocess_get_if_exited (child->process))
    return g_strdup_printf ("exit status %d", g_subprocess_get_exit_status (child->process));
  number = g_subprocess_get_term_sig (child->process);
  return g_strdup_printf ("killed by signal %d (%s)", number, g_strsignal (number));
}

gboolean
agent_child_has_succeeded (const AgentChild *child)
{
  return g_subprocess_get_successful (child->process);
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

static gboolean
child_on_kill_timeout (gpointer data)
{
  g_subprocess_force_exit (((AgentChild *) data)->process);
  return G_SOURCE_CONTINUE;
}

void
agent_child_ask_to_end (AgentChild *child)
{
  if (child->has_ended || child->kill_at_us != 0)
    return;
  child->kill_at_us = g_get_monotonic_time () + STOP_GRACE_US;
  agent_process_ask_to_end (child->process);
}

static void
child_stop (AgentChild *child)
{
  gint64 left_us;
  guint timer;

  agent_child_ask_to_end (child);
  left_us = MAX (child->kill_at_us - g_get_monotonic_time (), 0);
  timer = g_timeout_add ((guint) (left_us / 1000) + 1, child_on_kill_timeout, child);
  while (!child->has_ended)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  g_clear_object (&child->process);
}

void
agent_child_free (AgentChild *child)
{
  if (child == NULL)
    return;
  child_stop (child);
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
