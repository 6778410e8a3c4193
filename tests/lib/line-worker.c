/* SPDX-License-Identifier: Apache-2.0 */
#include "line-worker.h"

#include "test-system.h"

#include <stdio.h>

#define STATUS_CLOSED 3

typedef struct
{
  Worker *worker;
  const LineCommand *commands;
  gsize n_commands;
  GDataInputStream *input;
  GCancellable *cancellable;
  GMainLoop *loop;
  gboolean ended; /* the loop must end */
  int status;
} Lines;

void
line_worker_print (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
  fflush (stdout);
}

guint64
line_worker_number (const char *word)
{
  return g_ascii_strtoull (word, NULL, 10);
}

static void
run_command (const Lines *lines, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint n = g_strv_length (words);

  for (gsize i = 0; i < lines->n_commands; i++)
    {
      const LineCommand *command = &lines->commands[i];

      if (n > command->least && n - 1 <= command->most && g_str_equal (words[0], command->name))
        {
          command->run (lines->worker, words);
          fflush (stdout);
          return;
        }
    }
  g_error ("unknown command: %s", line);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  Lines *lines = data;
  g_autofree char *line = g_data_input_stream_read_line_finish (lines->input, result, NULL, NULL);

  if (line == NULL)
    {
      lines->ended = TRUE;
      g_main_loop_quit (lines->loop);
      return;
    }
  run_command (lines, line);
  g_data_input_stream_read_line_async (lines->input, G_PRIORITY_DEFAULT, lines->cancellable, on_line, lines);
}

static void
on_closed (DeyeBusClient *client, GError *error, gpointer data)
{
  Lines *lines = data;

  line_worker_print ("closed %d %s", error->code, error->message);
  lines->status = STATUS_CLOSED;
  g_main_loop_quit (lines->loop);
}

int
line_worker_run (DeyeBusClient *client, Worker *worker, const LineCommand *commands, gsize n_commands)
{
  g_autoptr (GInputStream) standard_input = test_system_standard_input ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GDataInputStream) input = g_data_input_stream_new (standard_input);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Lines lines = { .worker = worker,
                  .commands = commands,
                  .n_commands = n_commands,
                  .input = input,
                  .cancellable = cancellable,
                  .loop = loop };
  gulong closed = g_signal_connect (client, "closed", G_CALLBACK (on_closed), &lines);

  line_worker_print ("connected %u", test_system_pid ());
  g_data_input_stream_read_line_async (input, G_PRIORITY_DEFAULT, cancellable, on_line, &lines);
  g_main_loop_run (loop);
  g_signal_handler_disconnect (client, closed);
  g_cancellable_cancel (cancellable);
  while (!lines.ended) /* wait for the reader, which uses a variable of this function */
    g_main_context_iteration (NULL, TRUE);
  return lines.status;
}
