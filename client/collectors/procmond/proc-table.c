/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-table.h"

#include "proc-identity.h"
#include "proc-source.h"

/* --- one process --- */

static ProcReadResult
record_read_start_time (guint32 pid, guint64 *start_time)
{
  switch (proc_identity_start_time (pid, start_time))
    {
    case PROC_IDENTITY_READ:
      return PROC_READ;
    case PROC_IDENTITY_ABSENT:
      return proc_source_exists (pid) ? PROC_UNREADABLE : PROC_GONE;
    case PROC_IDENTITY_UNREADABLE:
      break;
    }
  return PROC_UNREADABLE;
}

static void
record_read_exe (ProcRecord *record)
{
  g_free (record->exe);
  switch (proc_identity_exe (record->pid, &record->exe))
    {
    case PROC_EXE_PRESENT:
    case PROC_EXE_NONE:
      break;
    case PROC_EXE_DELETED:
      record->exe_deleted = TRUE;
      break;
    case PROC_EXE_UNSURE:
      record->unknown |= PROC_FIELD_EXE_DELETED;
      break;
    case PROC_EXE_UNKNOWN:
      record->unknown |= PROC_FIELD_EXE | PROC_FIELD_EXE_DELETED;
      break;
    }
}

ProcReadResult
proc_record_read (guint32 pid, ProcRecord **record)
{
  g_autoptr (ProcRecord) one = NULL;
  guint64 start_time, start_again;
  ProcReadResult result = record_read_start_time (pid, &start_time);

  if (result != PROC_READ)
    return result;
  one = proc_record_new (pid, start_time);
  proc_source_measure (pid, one);
  record_read_exe (one);
  result = record_read_start_time (pid, &start_again);
  if (result == PROC_READ && start_again != start_time)
    return PROC_GONE;
  if (result == PROC_READ)
    *record = g_steal_pointer (&one);
  return result;
}

/* --- a table --- */

ProcTable *
proc_table_new (void)
{
  ProcTable *table = g_new0 (ProcTable, 1);

  table->records = g_ptr_array_new_with_free_func ((GDestroyNotify) proc_record_unref);
  return table;
}

static gint
table_by_pid (gconstpointer a, gconstpointer b)
{
  const ProcRecord *first = *(const ProcRecord *const *) a;
  const ProcRecord *second = *(const ProcRecord *const *) b;

  return (first->pid > second->pid) - (first->pid < second->pid);
}

static gint
table_by_number (gconstpointer a, gconstpointer b)
{
  guint32 first = *(const guint32 *) a;
  guint32 second = *(const guint32 *) b;

  return (first > second) - (first < second);
}

/* Reads one process. @unreadable: a set of pids. */
static void
table_add (ProcTable *table, guint32 pid, GHashTable *unreadable)
{
  ProcRecord *record = NULL;

  switch (proc_record_read (pid, &record))
    {
    case PROC_READ:
      g_ptr_array_add (table->records, record);
      break;
    case PROC_GONE:
      table->vanished++;
      break;
    case PROC_UNREADABLE:
      g_hash_table_add (unreadable, GUINT_TO_POINTER (pid));
      break;
    }
}

/* The record that exceeds what is enough is left to the next table. */
static void
table_add_listed (ProcTable *table, const ProcRange *range, const GArray *pids, GHashTable *unreadable)
{
  guint32 before = range->after;
  gsize cost = 0;

  for (guint i = 0; i < pids->len; i++)
    {
      guint32 pid = g_array_index (pids, guint32, i);
      guint n = table->records->len;

      if (pid <= range->after || (range->shards > 1 && pid % range->shards != range->shard))
        continue;
      table_add (table, pid, unreadable);
      if (table->records->len > n)
        {
          cost += proc_record_cost (g_ptr_array_index (table->records, n));
          if (range->enough > 0 && cost > range->enough && n > 0)
            {
              g_ptr_array_set_size (table->records, (gint) n);
              table->next = before;
              return;
            }
        }
      before = pid;
    }
}

/* FALSE: the process has ended. */
static gboolean
table_may_live (const ProcRecord *record)
{
  guint64 start_time;
  ProcReadResult result = record_read_start_time (record->pid, &start_time);

  return result == PROC_UNREADABLE || (result == PROC_READ && start_time == record->start_time);
}

/* Keeps records of @last that are not in @table, unless their processes have ended. */
static void
table_keep_unproven (ProcTable *table, const ProcTable *last, GHashTable *unreadable)
{
  guint n = table->records->len;
  guint j = 0;

  for (guint i = 0; i < last->records->len; i++)
    {
      ProcRecord *record = g_ptr_array_index (last->records, i);

      while (j < n && ((const ProcRecord *) g_ptr_array_index (table->records, j))->pid < record->pid)
        j++;
      /* A record of this pid is of this process or of its successor. */
      if (j < n && ((const ProcRecord *) g_ptr_array_index (table->records, j))->pid == record->pid)
        continue;
      if (table_may_live (record))
        {
          g_ptr_array_add (table->records, proc_record_ref (record));
          g_hash_table_add (unreadable, GUINT_TO_POINTER (record->pid));
        }
    }
  g_ptr_array_sort (table->records, table_by_pid);
}

/* The first process lives as long as the system does. One that exists but is not listed is hidden, and so are others. */
#define FIRST_PID 1u

/* @pids: sorted. */
static gboolean
table_is_partial (const GArray *pids)
{
  return (pids->len == 0 || g_array_index (pids, guint32, 0) != FIRST_PID) && proc_source_exists (FIRST_PID);
}

ProcTable *
proc_table_read (const ProcRange *range)
{
  g_autoptr (GArray) pids = proc_source_list ();
  g_autoptr (GHashTable) unreadable = g_hash_table_new (NULL, NULL);
  ProcTable *table;

  if (pids == NULL)
    return NULL;
  table = proc_table_new ();
  g_array_sort (pids, table_by_number);
  table->partial = table_is_partial (pids);
  table_add_listed (table, range, pids, unreadable);
  if (range->last != NULL)
    table_keep_unproven (table, range->last, unreadable);
  table->unreadable = g_hash_table_size (unreadable);
  return table;
}

void
proc_table_free (ProcTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->records);
  g_free (table);
}
