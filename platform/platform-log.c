/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-log.h"

#include "platform-log-thread.h"

#include <string.h>

#define END_TIMEOUT_US G_TIME_SPAN_SECOND

typedef struct
{
  char *text; /* for standard error; NULL: the fields are for the journal */
  GLogLevelFlags level;
  GLogField *fields;
  gsize n_fields;
} LogRecord;

/* The log of the process. It is global, because GLib has one log writer and one handler of g_printerr() in each process. */
static struct
{
  GMutex lock;               /* protects thread: other threads may log while the program ends */
  PlatformLogThread *thread; /* NULL: not started, or ended */
  GLogLevelFlags fatal;
  gboolean is_journal;
  gboolean has_color;
} program_log;

static void
program_log_free_record (gpointer data)
{
  LogRecord *record = data;

  for (gsize i = 0; i < record->n_fields; i++)
    {
      g_free ((gpointer) (gsize) record->fields[i].key);
      g_free ((gpointer) (gsize) record->fields[i].value);
    }
  g_free (record->fields);
  g_free (record->text);
  g_free (record);
}

/* If the journal does not accept records (it was stopped, or denies access), it may still read standard error. */
static void
program_log_write_journal (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;

  if (g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return;
  text = g_log_writer_format_fields (level, fields, n_fields, FALSE);
  line = g_strconcat (text, "\n", NULL);
  platform_log_write_stderr (line, strlen (line));
}

static void
program_log_write_record (gpointer user, gpointer data)
{
  const LogRecord *record = data;

  if (record->text != NULL)
    platform_log_write_stderr (record->text, strlen (record->text));
  else
    program_log_write_journal (record->level, record->fields, record->n_fields);
}

static void
program_log_write_lost (gpointer user, guint64 n)
{
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, n);
  g_autofree char *message = g_strdup_printf ("%s log records were left out: the log is written too slowly", number);
  g_autofree char *line = g_strconcat (g_get_prgname (), ": ", message, "\n", NULL);
  const GLogField fields[] = { { "MESSAGE", message, -1 }, { "PRIORITY", "4", -1 }, { "LEFT_OUT", number, -1 } };

  if (program_log.is_journal)
    program_log_write_journal (G_LOG_LEVEL_WARNING, fields, G_N_ELEMENTS (fields));
  else
    platform_log_write_stderr (line, strlen (line));
}

static void
program_log_push (LogRecord *record, gsize size)
{
  g_mutex_lock (&program_log.lock);
  if (program_log.thread != NULL)
    platform_log_thread_push (program_log.thread, record, sizeof *record + size);
  else
    program_log_free_record (record);
  g_mutex_unlock (&program_log.lock);
}

/* --- records of the program --- */

static void
program_log_push_text (char *text)
{
  LogRecord *record = g_new0 (LogRecord, 1);

  record->text = text;
  program_log_push (record, strlen (text));
}

static void
program_log_push_fields (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  LogRecord *record = g_new0 (LogRecord, 1);
  gsize size = n_fields * sizeof *fields;

  record->level = level;
  record->n_fields = n_fields;
  record->fields = g_new0 (GLogField, n_fields);
  for (gsize i = 0; i < n_fields; i++)
    {
      gsize len = fields[i].length < 0 ? strlen (fields[i].value) + 1 : (gsize) fields[i].length;

      record->fields[i] = (GLogField){ g_strdup (fields[i].key), g_memdup2 (fields[i].value, len), fields[i].length };
      size += strlen (fields[i].key) + 1 + len;
    }
  program_log_push (record, size);
}

static const char *
program_log_domain (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
      return fields[i].value;
  return NULL;
}

/* Waits until a fatal record is written, because the process aborts after it. */
static void
program_log_write_fatal (void)
{
  g_mutex_lock (&program_log.lock);
  if (program_log.thread != NULL)
    platform_log_thread_flush (program_log.thread, g_get_monotonic_time () + END_TIMEOUT_US);
  g_mutex_unlock (&program_log.lock);
}

static GLogWriterOutput
program_log_write (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (g_log_writer_default_would_drop (level, program_log_domain (fields, n_fields)))
    return G_LOG_WRITER_HANDLED;
  if (program_log.is_journal)
    program_log_push_fields (level, fields, n_fields);
  else
    {
      g_autofree char *line = g_log_writer_format_fields (level, fields, n_fields, program_log.has_color);

      program_log_push_text (g_strconcat (line, "\n", NULL));
    }
  if (level & (program_log.fatal | G_LOG_FLAG_FATAL))
    {
      program_log_write_fatal ();
      g_abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

/* GLib passes the text of a failed assertion ("**\nDeyeBus:ERROR:...") to this handler and not to the log, and then aborts. */
static void
program_log_printerr (const char *text)
{
  char *local = g_locale_from_utf8 (text, -1, NULL, NULL, NULL);

  program_log_push_text (local != NULL ? local : g_strdup (text));
  if (g_str_has_prefix (text, "**\n"))
    program_log_write_fatal ();
}

/* --- start and end --- */

void
platform_log_start (void)
{
  static const PlatformLogSink sink
      = { program_log_write_record, program_log_write_lost, program_log_free_record, NULL };

  /* If the system refuses a thread, GLib's own functions write the log. */
  program_log.thread = platform_log_thread_new ("deye-log", &sink, NULL, NULL);
  if (program_log.thread == NULL)
    return;
  program_log.is_journal = platform_log_stderr_is_journal ();
  program_log.has_color = platform_log_stderr_has_color ();
  program_log.fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_always_fatal (program_log.fatal);
  g_log_set_writer_func (program_log_write, NULL, NULL);
  g_set_printerr_handler (program_log_printerr);
}

void
platform_log_end (void)
{
  PlatformLogThread *thread;

  g_mutex_lock (&program_log.lock);
  thread = g_steal_pointer (&program_log.thread);
  g_mutex_unlock (&program_log.lock);
  if (thread != NULL)
    platform_log_thread_end (thread, g_get_monotonic_time () + END_TIMEOUT_US, NULL);
}
