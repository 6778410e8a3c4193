/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-page.h"

#include "collector-page.h"

static gsize
page_cost (gconstpointer record)
{
  return proc_record_cost (record);
}

static gsize
page_text_size (gconstpointer record)
{
  return proc_record_text_size (record);
}

static gpointer
page_shorten_record (gpointer record, gsize bytes)
{
  return proc_record_shorten (record, bytes);
}

static void
page_unref_record (gpointer record)
{
  proc_record_unref (record);
}

static const CollectorRecordClass page_record_class
    = { page_cost, page_text_size, page_shorten_record, PROC_SHORTEST, page_unref_record };

/* @n: records that the table had. */
static void
page_note_next (ProcTable *table, guint n)
{
  guint kept = table->records->len;

  if (kept > 0 && kept < n)
    table->next = ((const ProcRecord *) g_ptr_array_index (table->records, kept - 1))->pid;
}

void
proc_page_truncate (ProcTable *table, guint n)
{
  guint before = table->records->len;

  if (n < before)
    g_ptr_array_set_size (table->records, (gint) n);
  page_note_next (table, before);
}

void
proc_page_fit (ProcTable *table, gsize room, gboolean shorten)
{
  guint before = table->records->len;

  collector_page_fit (table->records, &page_record_class, room, shorten);
  page_note_next (table, before);
}
