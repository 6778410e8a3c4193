/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-table.h"

#include "proc-identity.h"
#include "proc-source.h"

ProcRecord *
proc_record_read (guint32 pid)
{
  g_autoptr (ProcRecord) record = g_new0 (ProcRecord, 1);
  guint64 start_again;

  if (!proc_identity_start_time (pid, &record->start_time))
    return NULL;
  record->pid = pid;
  proc_source_measure (pid, record);
  record->exe = proc_identity_exe (pid);
  if (!proc_identity_start_time (pid, &start_again) || start_again != record->start_time)
    return NULL;
  return g_steal_pointer (&record);
}

ProcTable *
proc_table_new (void)
{
  ProcTable *table = g_new0 (ProcTable, 1);

  table->records = g_ptr_array_new_with_free_func ((GDestroyNotify) proc_record_free);
  return table;
}

static gint
table_by_pid (gconstpointer a, gconstpointer b)
{
  const ProcRecord *first = *(const ProcRecord *const *) a;
  const ProcRecord *second = *(const ProcRecord *const *) b;

  return (first->pid > second->pid) - (first->pid < second->pid);
}

ProcTable *
proc_table_read (guint shard, guint shards)
{
  g_autoptr (GArray) pids = proc_source_list ();
  ProcTable *table;

  if (pids == NULL)
    return NULL;
  table = proc_table_new ();
  for (guint i = 0; i < pids->len; i++)
    {
      guint32 pid = g_array_index (pids, guint32, i);
      ProcRecord *record;

      if (shards > 1 && pid % shards != shard)
        continue;
      record = proc_record_read (pid);
      if (record != NULL)
        g_ptr_array_add (table->records, record);
      else
        table->vanished++;
    }
  g_ptr_array_sort (table->records, table_by_pid);
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
