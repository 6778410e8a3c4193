/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-watch.h"

#include "proc-identity.h"

#include <string.h>

static void
watch_brief_free (gpointer data)
{
  WatchBrief *brief = data;

  proc_record_unref (brief->record);
  g_free (brief);
}

void
proc_watch_init (ProcWatch *watch, guint64 own_start)
{
  watch->last = NULL;
  watch->youngest = own_start;
  watch->zombies = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  watch->brief = g_hash_table_new_full (NULL, NULL, NULL, watch_brief_free);
  watch->without_first_thread = g_hash_table_new (NULL, NULL);
  watch->renamed = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

void
proc_watch_clear (ProcWatch *watch)
{
  g_clear_pointer (&watch->last, proc_table_free);
  g_clear_pointer (&watch->zombies, g_hash_table_unref);
  g_clear_pointer (&watch->brief, g_hash_table_unref);
  g_clear_pointer (&watch->without_first_thread, g_hash_table_unref);
  g_clear_pointer (&watch->renamed, g_hash_table_unref);
}

/* --- events --- */

static void
watch_free_event (gpointer data)
{
  ProcEvent *event = data;

  g_clear_pointer (&event->record, proc_record_unref);
}

GArray *
proc_watch_new_events (void)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (ProcEvent));

  g_array_set_clear_func (events, watch_free_event);
  return events;
}

void
proc_watch_add_event (GArray *events, ProcEventKind kind, ProcRecord *record)
{
  ProcEvent event = { kind, proc_record_ref (record), FALSE, 0 };

  g_array_append_val (events, event);
}

void
proc_watch_add_exit (GArray *events, ProcRecord *record, guint32 status)
{
  ProcEvent event = { PROC_EXITED, proc_record_ref (record), TRUE, status };

  g_array_append_val (events, event);
}

/* --- tables --- */

static gint
watch_compare_records (const ProcRecord *a, const ProcRecord *b)
{
  if (a->pid != b->pid)
    return a->pid < b->pid ? -1 : 1;
  return (a->start_time > b->start_time) - (a->start_time < b->start_time);
}

/* Searches the record of the same process in @table, from *@at on, and moves *@at up to its place. NULL: there is none. */
static const ProcRecord *
watch_find_from (const ProcTable *table, guint *at, const ProcRecord *record)
{
  const ProcRecord *found = NULL;

  for (; *at < table->records->len; (*at)++)
    {
      found = g_ptr_array_index (table->records, *at);
      if (watch_compare_records (found, record) >= 0)
        break;
    }
  return *at < table->records->len && watch_compare_records (found, record) == 0 ? found : NULL;
}

static void
watch_add_exits (GArray *events, const ProcTable *last, const ProcTable *now)
{
  guint at = 0;

  for (guint i = 0; i < last->records->len; i++)
    {
      ProcRecord *record = g_ptr_array_index (last->records, i);

      if (watch_find_from (now, &at, record) == NULL)
        proc_watch_add_event (events, PROC_EXITED, record);
    }
}

/* TRUE: the process is a zombie or a kernel thread (which renames itself for each work item): it has no address space and no
 * executable. A process may end while it is read, so the absence of one of them is enough. */
static gboolean
watch_executes_nothing (const ProcRecord *record)
{
  return ((record->unknown & PROC_FIELD_VIRTUAL) == 0 && record->virtual_bytes == 0)
         || ((record->unknown & PROC_FIELD_EXE) == 0 && *record->exe == '\0');
}

/* Returns the length of the path. A mark of a deleted file is not counted if it is unknown whether it is part of the name. */
static gsize
watch_exe_length (const ProcRecord *record)
{
  gsize len = strlen (record->exe);
  gboolean unsure = (record->unknown & PROC_FIELD_EXE_DELETED) != 0;

  return unsure && g_str_has_suffix (record->exe, PROC_EXE_MARK) ? len - strlen (PROC_EXE_MARK) : len;
}

static gboolean
watch_is_same_exe (const ProcRecord *before, const ProcRecord *now)
{
  gsize len = watch_exe_length (before);

  return g_str_equal (before->exe, now->exe)
         || (len == watch_exe_length (now) && strncmp (before->exe, now->exe, len) == 0);
}

/* An unknown text counts as unchanged. */
gboolean
proc_watch_has_changed (const ProcRecord *before, const ProcRecord *now)
{
  guint unknown = before->unknown | now->unknown;

  if (watch_executes_nothing (now))
    return FALSE;
  return ((unknown & PROC_FIELD_NAME) == 0 && !g_str_equal (before->name, now->name))
         || ((unknown & PROC_FIELD_EXE) == 0 && !watch_is_same_exe (before, now));
}

static void
watch_add_news (const ProcWatch *watch, GArray *events, const ProcTable *now)
{
  guint at = 0;

  for (guint i = 0; i < now->records->len; i++)
    {
      ProcRecord *record = g_ptr_array_index (now->records, i);
      const ProcRecord *before = watch_find_from (watch->last, &at, record);

      if (before != NULL ? proc_watch_has_changed (before, record) : record->start_time >= watch->youngest)
        proc_watch_add_event (events, before != NULL ? PROC_CHANGED : PROC_STARTED, record);
    }
}

static void
watch_note_youngest (ProcWatch *watch, const ProcTable *baseline)
{
  for (guint i = 0; i < baseline->records->len; i++)
    watch->youngest
        = MAX (watch->youngest, ((const ProcRecord *) g_ptr_array_index (baseline->records, i))->start_time);
}

GArray *
proc_watch_compare (ProcWatch *watch, ProcTable *now)
{
  GArray *events = proc_watch_new_events ();

  if (now == NULL)
    return events;
  if (watch->last != NULL)
    {
      watch_add_exits (events, watch->last, now);
      watch_add_news (watch, events, now);
    }
  else
    watch_note_youngest (watch, now);
  g_clear_pointer (&watch->last, proc_table_free);
  watch->last = now;
  return events;
}

ProcRecord *
proc_watch_find (const ProcWatch *watch, guint32 pid, guint *at)
{
  const GPtrArray *records = watch->last->records;
  guint low = 0, high = records->len;
  ProcRecord *record;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      record = g_ptr_array_index (records, middle);
      if (record->pid < pid)
        low = middle + 1;
      else
        high = middle;
    }
  *at = low;
  record = low < records->len ? g_ptr_array_index (records, low) : NULL;
  return record != NULL && record->pid == pid ? record : NULL;
}
