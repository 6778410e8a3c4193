/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-watch.h"

void
proc_watch_init (ProcWatch *watch)
{
  watch->last = NULL;
  watch->previous = NULL;
}

void
proc_watch_clear (ProcWatch *watch)
{
  g_clear_pointer (&watch->last, proc_table_free);
  g_clear_pointer (&watch->previous, proc_table_free);
}

static gint
watch_compare_records (const ProcRecord *a, const ProcRecord *b)
{
  if (a->pid != b->pid)
    return a->pid < b->pid ? -1 : 1;
  return (a->start_time > b->start_time) - (a->start_time < b->start_time);
}

/* Adds an event for each record of @a that is not in @b. Both are sorted. */
static void
watch_add_missing (GArray *events, ProcEventKind kind, const ProcTable *a, const ProcTable *b)
{
  guint j = 0;

  for (guint i = 0; i < a->records->len; i++)
    {
      ProcEvent event = { kind, g_ptr_array_index (a->records, i) };

      while (j < b->records->len && watch_compare_records (g_ptr_array_index (b->records, j), event.record) < 0)
        j++;
      if (j == b->records->len || watch_compare_records (g_ptr_array_index (b->records, j), event.record) != 0)
        g_array_append_val (events, event);
    }
}

GArray *
proc_watch_look (ProcWatch *watch, ProcTable *now)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (ProcEvent));

  if (now == NULL)
    return events;
  if (watch->last != NULL)
    {
      watch_add_missing (events, PROC_EXITED, watch->last, now);
      watch_add_missing (events, PROC_STARTED, now, watch->last);
    }
  g_clear_pointer (&watch->previous, proc_table_free);
  watch->previous = watch->last;
  watch->last = now;
  return events;
}
