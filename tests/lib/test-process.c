/* SPDX-License-Identifier: Apache-2.0 */
#include "test-process.h"

#include "test-system.h"
#include "test-watchdog.h"

#include <string.h>

struct TestProcess
{
  GMainContext *context;
  GSubprocess *process;
  GPid pid;
  char *name;
  GOutputStream *input; /* not owned */
  GDataInputStream *output;
  GCancellable *cancellable;
  GQueue lines; /* of char*, oldest first */
  gboolean reading;
  gboolean at_end;
  gboolean waiting;
  gboolean reaped;
  gboolean input_closed;
  gboolean is_killed;
};

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  TestProcess *self = data;
  char *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, NULL);

  self->reading = FALSE;
  if (line == NULL)
    {
      self->at_end = TRUE;
      return;
    }
  if (g_test_verbose ())
    g_test_message ("%s[%d]: %s", self->name, (int) self->pid, line);
  g_queue_push_tail (&self->lines, line);
  self->reading = TRUE;
  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, self->cancellable, on_line, self);
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer data)
{
  TestProcess *self = data;

  self->waiting = FALSE;
  if (g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL))
    {
      self->reaped = TRUE;
      if (self->pid != 0)
        test_watchdog_disown (self->pid);
    }
}

TestProcess *
test_process_spawn (const char *const *argv, gintptr handle, const char *const *environment)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  TestProcess *self = g_new0 (TestProcess, 1);
  const char *identifier;

  test_system_prepare_child (launcher, handle);
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (environment[i], "=", 2);

      g_subprocess_launcher_setenv (launcher, pair[0], pair[1], TRUE);
    }

  self->context = g_main_context_ref_thread_default ();
  self->process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  identifier = g_subprocess_get_identifier (self->process);
  if (identifier != NULL) /* NULL: the process has ended already */
    {
      self->pid = (GPid) g_ascii_strtoll (identifier, NULL, 10);
      test_watchdog_own (self->pid);
    }
  self->name = g_path_get_basename (argv[0]);
  self->input = g_subprocess_get_stdin_pipe (self->process);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->lines);
  self->reading = TRUE;
  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, self->cancellable, on_line, self);
  self->waiting = TRUE;
  g_subprocess_wait_async (self->process, self->cancellable, on_waited, self);
  return self;
}

GPid
test_process_pid (TestProcess *self)
{
  return self->pid;
}

void
test_process_send (TestProcess *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strconcat (text, "\n", NULL);
  g_output_stream_write_all (self->input, line, strlen (line), NULL, NULL, &error);
  g_assert_no_error (error);
}

static GList *
find_line (TestProcess *self, const char *prefix)
{
  for (GList *l = self->lines.head; l != NULL; l = l->next)
    if (g_str_has_prefix (l->data, prefix))
      return l;
  return NULL;
}

gboolean
test_process_has (TestProcess *self, const char *prefix)
{
  return find_line (self, prefix) != NULL;
}

guint
test_process_count (TestProcess *self, const char *prefix)
{
  guint n = 0;

  for (const GList *l = self->lines.head; l != NULL; l = l->next)
    n += g_str_has_prefix (l->data, prefix) ? 1 : 0;
  return n;
}

void
test_process_drop (TestProcess *self, const char *prefix)
{
  for (GList *l = find_line (self, prefix); l != NULL; l = find_line (self, prefix))
    {
      g_free (l->data);
      g_queue_delete_link (&self->lines, l);
    }
}

char *
test_process_expect (TestProcess *self, const char *prefix)
{
  g_autofree char *line = NULL;
  GList *found;
  gsize skip = strlen (prefix);

  test_watchdog_note ("%s[%d] to say \"%s\"", self->name, (int) self->pid, prefix);
  while ((found = find_line (self, prefix)) == NULL && !self->at_end)
    g_main_context_iteration (self->context, TRUE);
  test_watchdog_note (NULL);
  if (found == NULL)
    {
      g_autoptr (GString) said = g_string_new (NULL);

      for (GList *l = self->lines.head; l != NULL; l = l->next)
        g_string_append_printf (said, " [%s]", (char *) l->data);
      g_test_message ("%s[%d] ended and never printed \"%s\"; it said:%s", self->name, (int) self->pid, prefix,
                      said->str);
      g_assert_not_reached ();
    }
  line = found->data;
  g_queue_delete_link (&self->lines, found);
  if (line[skip] == ' ')
    skip++;
  return g_strdup (line + skip);
}

void
test_process_expect_line (TestProcess *self, const char *prefix)
{
  g_free (test_process_expect (self, prefix));
}

void
test_process_suspend (TestProcess *self)
{
  g_assert_true (test_process_try_suspend (self));
}

gboolean
test_process_try_suspend (TestProcess *self)
{
  return test_system_suspend (self->process);
}

void
test_process_resume (TestProcess *self)
{
  test_system_resume (self->process);
}

void
test_process_kill (TestProcess *self)
{
  self->is_killed = TRUE;
  test_system_kill (self->process);
}

void
test_process_ask_to_stop (TestProcess *self)
{
  test_system_ask_to_stop (self->process);
}

void
test_process_interrupt (TestProcess *self)
{
  test_system_interrupt (self->process);
}

gboolean
test_process_has_ended (TestProcess *self)
{
  return self->reaped;
}

int
test_process_end (TestProcess *self)
{
  /* A process that will be killed must not read the end of its input first, because it would end by itself. */
  if (!self->input_closed && !self->is_killed)
    {
      g_output_stream_close (self->input, NULL, NULL);
      self->input_closed = TRUE;
    }

  test_watchdog_note ("%s[%d] to end", self->name, (int) self->pid);
  while (!self->reaped || !self->at_end)
    g_main_context_iteration (self->context, TRUE);
  test_watchdog_note (NULL);
  return test_system_end_status (self->process);
}

void
test_process_free (TestProcess *self)
{
  if (!self->reaped)
    {
      test_process_kill (self);
      test_process_end (self);
    }
  g_cancellable_cancel (self->cancellable);
  while (self->reading || self->waiting)
    g_main_context_iteration (self->context, TRUE);
  g_queue_clear_full (&self->lines, g_free);
  g_clear_object (&self->output);
  g_clear_object (&self->process);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->name);
  g_free (self);
}
