/* SPDX-License-Identifier: Apache-2.0 */
#include "job-compare.h"

#include "job-proc.h"

static GHashTable *
compare_records (const GPtrArray *records, GHashTable *before, GHashTable *after, guint64 since, JobVerdict *verdict)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < records->len; i++)
    {
      const JobRecord *record = g_ptr_array_index (records, i);
      g_autofree char *name = job_proc_key (record->pid, record->start_time);

      if (!g_hash_table_contains (before, name) && !g_hash_table_contains (after, name))
        {
          if (record->start_time < since)
            verdict->unknown++;
          else
            verdict->passing++;
        }
      if (!g_hash_table_add (table, g_steal_pointer (&name)))
        verdict->twice++;
    }
  return table;
}

JobVerdict
job_compare (const GPtrArray *records, GHashTable *before, GHashTable *after, guint64 since)
{
  JobVerdict verdict = { 0 };
  g_autoptr (GHashTable) table = compare_records (records, before, after, since, &verdict);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_hash_table_contains (after, key))
      {
        verdict.stayed++;
        verdict.missing += g_hash_table_contains (table, key) ? 0 : 1;
      }
  return verdict;
}

gboolean
job_verdict_is_disturbed (const JobVerdict *verdict)
{
  return verdict->passing > 0 && verdict->missing == 0 && verdict->unknown == 0 && verdict->twice == 0;
}
