/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-record.h"

#include <string.h>

/* --- text --- */

/* Appends valid UTF-8. Only backslashes are escaped. */
static void
text_append_valid (GString *out, const char *at, const char *end)
{
  while (at < end)
    {
      const char *slash = memchr (at, '\\', (gsize) (end - at));
      const char *stop = slash != NULL ? slash : end;

      g_string_append_len (out, at, stop - at);
      if (slash != NULL)
        g_string_append (out, "\\x5c");
      at = slash != NULL ? slash + 1 : end;
    }
}

static void
text_append_byte (GString *out, guint8 byte)
{
  static const char digits[] = "0123456789abcdef";
  const char escape[] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };

  g_string_append_len (out, escape, sizeof escape);
}

/* Takes linear time: another process chooses the text, and it may be long. */
char *
proc_text_escape (const char *bytes, gssize len)
{
  GString *out = g_string_new (NULL);
  const char *at = bytes;
  const char *end = bytes + (len >= 0 ? (gsize) len : strlen (bytes));

  while (at < end)
    {
      const char *bad;

      g_utf8_validate (at, end - at, &bad);
      text_append_valid (out, at, bad);
      if (bad < end)
        text_append_byte (out, (guint8) *bad++);
      at = bad;
    }
  return g_string_free (out, FALSE);
}

/* Returns the length of the longest prefix of an escaped text that has at most @bytes and splits no character and no escape. */
static gsize
text_cut_length (const char *text, gsize bytes)
{
  gsize len = strlen (text);

  if (len <= bytes)
    return len;
  len = bytes;
  while (len > 0 && ((guint8) text[len] & 0xc0) == 0x80)
    len--;
  for (gsize back = 1; back < strlen ("\\xNN") && back <= len; back++)
    if (text[len - back] == '\\')
      return len - back;
  return len;
}

/* --- command line --- */

/* Takes as many of the escaped arguments as fit into @bytes; each argument costs @each bytes more than its length. If not all fit,
 * the first one that does not fit is cut, and a mark follows. */
static char **
command_line_take (char *const *args, gsize bytes, gsize each, gboolean *cut)
{
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (g_free);
  gsize left = bytes;
  guint i;

  for (i = 0; args[i] != NULL && out->len < PROC_COMMAND_LINE_ARGS && strlen (args[i]) + each <= left; i++)
    {
      left -= strlen (args[i]) + each;
      g_ptr_array_add (out, g_strdup (args[i]));
    }
  *cut = args[i] != NULL;
  if (*cut)
    {
      gsize len = left > each ? text_cut_length (args[i], left - each) : 0;

      if (len > 0 && out->len < PROC_COMMAND_LINE_ARGS)
        g_ptr_array_add (out, g_strndup (args[i], len));
      g_ptr_array_add (out, g_strdup (PROC_CUT));
    }
  g_ptr_array_add (out, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&out), FALSE);
}

/* Escapes only a few bytes more than a record can keep. A character that is cut in two is beyond the limit, so it is never
 * shown. */
void
proc_record_set_command_line (ProcRecord *record, const char *const *args)
{
  g_autoptr (GPtrArray) escaped = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; args != NULL && args[i] != NULL && i <= PROC_COMMAND_LINE_ARGS; i++)
    g_ptr_array_add (escaped, proc_text_escape (args[i], (gssize) strnlen (args[i], PROC_COMMAND_LINE_BYTES + 8)));
  g_ptr_array_add (escaped, NULL);
  g_strfreev (record->command_line);
  record->command_line = command_line_take ((char **) escaped->pdata, PROC_COMMAND_LINE_BYTES, 0, &record->shortened);
}

/* --- record --- */

ProcRecord *
proc_record_new (guint32 pid, guint64 start_time)
{
  ProcRecord *record = g_rc_box_new0 (ProcRecord);

  record->pid = pid;
  record->start_time = start_time;
  record->name = g_strdup ("");
  record->exe = g_strdup ("");
  record->command_line = g_new0 (char *, 1);
  return record;
}

#define FIELDS_ALL                                                                                                     \
  (PROC_FIELD_PPID | PROC_FIELD_NAME | PROC_FIELD_EXE | PROC_FIELD_COMMAND_LINE | PROC_FIELD_UID                       \
   | PROC_FIELD_START_TIME | PROC_FIELD_CPU_TIME | PROC_FIELD_RESIDENT | PROC_FIELD_VIRTUAL | PROC_FIELD_EXE_DELETED)

ProcRecord *
proc_record_new_unknown (guint32 pid)
{
  ProcRecord *record = proc_record_new (pid, 0);

  record->uid = PROC_UID_UNKNOWN;
  record->unknown = FIELDS_ALL;
  return record;
}

ProcRecord *
proc_record_ref (ProcRecord *record)
{
  return g_rc_box_acquire (record);
}

static void
record_clear (gpointer data)
{
  ProcRecord *record = data;

  g_free (record->name);
  g_free (record->exe);
  g_strfreev (record->command_line);
}

void
proc_record_unref (ProcRecord *record)
{
  if (record != NULL)
    g_rc_box_release_full (record, record_clear);
}

static gsize
record_args_size (const ProcRecord *record)
{
  gsize size = 0;

  for (char **arg = record->command_line; *arg != NULL; arg++)
    size += strlen (*arg) + PROC_ARG_COST;
  return size;
}

gsize
proc_record_text_size (const ProcRecord *record)
{
  return strlen (record->exe) + record_args_size (record);
}

gsize
proc_record_cost (const ProcRecord *record)
{
  return PROC_RECORD_COST + strlen (record->name) + proc_record_text_size (record);
}

/* Copies everything but the texts that can be cut. */
static ProcRecord *
record_copy_rest (const ProcRecord *record)
{
  ProcRecord *copy = proc_record_new (record->pid, record->start_time);

  copy->ppid = record->ppid;
  copy->uid = record->uid;
  copy->cpu_time_us = record->cpu_time_us;
  copy->resident_bytes = record->resident_bytes;
  copy->virtual_bytes = record->virtual_bytes;
  copy->exe_deleted = record->exe_deleted;
  copy->shortened = record->shortened;
  copy->unknown = record->unknown;
  g_free (copy->name);
  copy->name = g_strdup (record->name);
  return copy;
}

/* The executable gets half of the bytes, and more if the arguments need less than the other half. Both have room for their
 * marks. */
ProcRecord *
proc_record_shorten (ProcRecord *record, gsize bytes)
{
  gsize exe_len = strlen (record->exe);
  gsize args_size = record_args_size (record);
  gsize left = MAX (bytes, PROC_SHORTEST) - (strlen (PROC_CUT) + PROC_ARG_COST); /* for the mark of the arguments */
  gsize exe_room = left - MIN (args_size, left / 2);
  ProcRecord *copy;
  gboolean cut;

  if (exe_len + args_size <= MAX (bytes, PROC_SHORTEST))
    return proc_record_ref (record);
  copy = record_copy_rest (record);
  copy->shortened = TRUE;
  g_free (copy->exe);
  if (exe_len <= exe_room)
    copy->exe = g_strdup (record->exe);
  else
    copy->exe = g_strdup_printf ("%.*s" PROC_CUT,
                                 (int) text_cut_length (record->exe, exe_room - MIN (exe_room, strlen (PROC_CUT))),
                                 record->exe);
  left -= MIN (left, strlen (copy->exe));
  g_strfreev (copy->command_line);
  copy->command_line = command_line_take (record->command_line, left, PROC_ARG_COST, &cut);
  return copy;
}
