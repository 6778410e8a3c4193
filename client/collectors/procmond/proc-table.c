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

gboolean
proc_table_may_live (const ProcRecord *record)
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
      if (proc_table_may_live (record))
        {
          g_ptr_array_add (table->records, proc_record_ref (record));
          g_hash_table_add (unreadable, GUINT_TO_POINTER (record->pid));
        }
    }
  g_ptr_array_sort (table->records, table_by_pid);
}

/* --- reading --- */

struct ProcReader
{
  ProcRange range;
  ProcTable *table;
  GArray *pids; /* guint32, sorted: those of the range */
  guint read;
  gsize cost;             /* of the records so far */
  GHashTable *unreadable; /* set of pids */
};

/* Process 1 exists as long as the system runs. If it is not listed, it is hidden, and so are others. */
#define FIRST_PID 1u

/* @pids: sorted. */
static gboolean
reader_is_partial (const GArray *pids)
{
  return (pids->len == 0 || g_array_index (pids, guint32, 0) != FIRST_PID) && proc_source_exists (FIRST_PID);
}

/* Removes the pids outside of the range, in place. */
static void
reader_keep_range (GArray *pids, const ProcRange *range)
{
  guint n = 0;

  for (guint i = 0; i < pids->len; i++)
    {
      guint32 pid = g_array_index (pids, guint32, i);

      if (pid > range->after && (range->shards <= 1 || pid % range->shards == range->shard))
        g_array_index (pids, guint32, n++) = pid;
    }
  g_array_set_size (pids, n);
}

ProcReader *
proc_reader_new (const ProcRange *range)
{
  GArray *pids = proc_source_list ();
  ProcReader *self;

  if (pids == NULL)
    return NULL;
  g_array_sort (pids, table_by_number);
  self = g_new0 (ProcReader, 1);
  self->range = *range;
  self->table = proc_table_new ();
  self->table->partial = reader_is_partial (pids);
  self->unreadable = g_hash_table_new (NULL, NULL);
  self->pids = pids;
  reader_keep_range (pids, range);
  return self;
}

void
proc_reader_set_shard (ProcReader *self, guint shard, guint shards)
{
  self->range.shard = shard;
  self->range.shards = shards;
  reader_keep_range (self->pids, &self->range);
}

void
proc_reader_free (ProcReader *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->table, proc_table_free);
  g_array_unref (self->pids);
  g_hash_table_unref (self->unreadable);
  g_free (self);
}

static void
reader_add (ProcReader *self, guint32 pid)
{
  ProcRecord *record = NULL;

  switch (proc_record_read (pid, &record))
    {
    case PROC_READ:
      self->cost += proc_record_cost (record);
      g_ptr_array_add (self->table->records, record);
      break;
    case PROC_GONE:
      self->table->vanished++;
      break;
    case PROC_UNREADABLE:
      g_hash_table_add (self->unreadable, GUINT_TO_POINTER (pid));
      break;
    }
}

/* The record that exceeds the limit is left to the next table. */
static gboolean
reader_has_enough (ProcReader *self)
{
  guint n = self->table->records->len;

  if (self->range.enough == 0 || self->cost <= self->range.enough || n < 2)
    return FALSE;
  g_ptr_array_set_size (self->table->records, (gint) n - 1);
  self->table->next = self->read > 0 ? g_array_index (self->pids, guint32, self->read - 1) : self->range.after;
  return TRUE;
}

gboolean
proc_reader_step (ProcReader *self, guint n)
{
  for (; n > 0 && self->read < self->pids->len; n--)
    {
      reader_add (self, g_array_index (self->pids, guint32, self->read));
      if (reader_has_enough (self))
        return FALSE;
      self->read++;
    }
  return self->read < self->pids->len;
}

guint
proc_reader_count (const ProcReader *self, guint *total)
{
  *total = self->pids->len;
  return self->read;
}

/* Keeps records of the previous table whose processes may still run. */
ProcTable *
proc_reader_end (ProcReader *self)
{
  ProcTable *table = g_steal_pointer (&self->table);

  if (self->range.last != NULL)
    table_keep_unproven (table, self->range.last, self->unreadable);
  table->unreadable = g_hash_table_size (self->unreadable);
  return table;
}

ProcTable *
proc_table_read (const ProcRange *range)
{
  g_autoptr (ProcReader) reader = proc_reader_new (range);

  if (reader == NULL)
    return NULL;
  (void) proc_reader_step (reader, G_MAXUINT);
  return proc_reader_end (reader);
}

void
proc_table_free (ProcTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->records);
  g_free (table);
}
