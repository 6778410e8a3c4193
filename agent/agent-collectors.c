/* SPDX-License-Identifier: Apache-2.0 */
#include "agent-collectors.h"

#include "agent-log.h"

struct AgentCollectors
{
  GPtrArray *children; /* of AgentChild, including children that have ended */
  gboolean is_stopping;
};

AgentCollectors *
agent_collectors_new (void)
{
  AgentCollectors *self = g_new0 (AgentCollectors, 1);

  self->children = g_ptr_array_new_with_free_func ((GDestroyNotify) agent_child_free);
  return self;
}

static void
collectors_on_ended (AgentChild *child, gpointer data)
{
  AgentCollectors *self = data;
  g_autofree char *how = agent_child_describe_end (child);
  g_autofree char *pid = g_strdup_printf ("%u", child->pid);
  AgentLogField fields[] = { { "COLLECTOR", child->name }, { "PID", pid }, { "REASON", how }, { NULL, NULL } };
  gboolean expected = self->is_stopping || agent_child_has_succeeded (child);

  agent_log (expected ? AGENT_LOG_NOTICE : AGENT_LOG_WARNING, fields, "collector %s (pid %s) ended: %s", child->name,
             pid, how);
}

/* Returns the words of the command with the address inserted. (transfer container): the words belong to @argv */
static GPtrArray *
collectors_add_address (char **argv, const char *address)
{
  GPtrArray *words = g_ptr_array_new ();

  g_ptr_array_add (words, argv[0]);
  g_ptr_array_add (words, (gpointer) "--address");
  g_ptr_array_add (words, (gpointer) address);
  for (char **word = argv + 1; *word != NULL; word++)
    g_ptr_array_add (words, *word);
  g_ptr_array_add (words, NULL);
  return words;
}

/* Escapes the command in the message, so that a line break in it does not look like another record. */
static void
collectors_log_start (const AgentChild *child, const char *command)
{
  g_autofree char *pid = g_strdup_printf ("%u", child->pid);
  g_autofree char *escaped = g_strescape (command, "\"");
  AgentLogField fields[] = { { "COLLECTOR", child->name }, { "PID", pid }, { "COMMAND", command }, { NULL, NULL } };

  agent_log (AGENT_LOG_NOTICE, fields, "collector %s (pid %s) started: %s", child->name, pid, escaped);
}

gboolean
agent_collectors_start (AgentCollectors *self, const char *command, const char *address, GError **error)
{
  g_auto (GStrv) argv = NULL;
  g_autoptr (GPtrArray) words = NULL;
  g_autofree char *base = NULL;
  g_autofree char *name = NULL;
  AgentChild *child;

  if (!g_shell_parse_argv (command, NULL, &argv, error))
    {
      g_prefix_error (error, "--collector '%s': ", command);
      return FALSE;
    }
  base = g_path_get_basename (argv[0]);
  name = g_strescape (base, "\"");
  words = collectors_add_address (argv, address);
  child = agent_child_start (name, (const char *const *) words->pdata, error);
  if (child == NULL)
    {
      g_prefix_error (error, "--collector '%s': ", command);
      return FALSE;
    }
  collectors_log_start (child, command);
  g_ptr_array_add (self->children, child);
  agent_child_watch (child, collectors_on_ended, self);
  return TRUE;
}

void
agent_collectors_free (AgentCollectors *self)
{
  if (self == NULL)
    return;
  self->is_stopping = TRUE;
  for (guint i = 0; i < self->children->len; i++)
    agent_child_ask_to_end (self->children->pdata[i]);
  g_ptr_array_unref (self->children);
  g_free (self);
}
