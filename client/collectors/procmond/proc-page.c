/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-page.h"

void
proc_page_truncate (ProcTable *table, guint n)
{
  if (n >= table->records->len)
    return;
  if (n > 0)
    table->next = ((const ProcRecord *) g_ptr_array_index (table->records, n - 1))->pid;
  g_ptr_array_set_size (table->records, (gint) n);
}

/* Cost of the parts of a table. */
typedef struct
{
  gsize *texts; /* of each record: what can be cut */
  guint n;
  gsize rest; /* of all records: what can't be cut */
} PageCosts;

static PageCosts
page_count_costs (const ProcTable *table)
{
  PageCosts costs = { g_new (gsize, table->records->len), table->records->len, 0 };

  for (guint i = 0; i < costs.n; i++)
    {
      const ProcRecord *record = g_ptr_array_index (table->records, i);

      costs.texts[i] = proc_record_text_size (record);
      costs.rest += proc_record_cost (record) - costs.texts[i];
    }
  return costs;
}

/* Cost of all records if no text is longer than @longest bytes. */
static gsize
page_sum (const PageCosts *costs, gsize longest)
{
  gsize sum = costs->rest;

  for (guint i = 0; i < costs->n; i++)
    sum += MIN (costs->texts[i], longest);
  return sum;
}

/* The largest number of bytes that the texts of each record may have so that all records fit. */
static gsize
page_find_longest (const PageCosts *costs, gsize room)
{
  gsize low = PROC_SHORTEST;
  gsize high = MAX (room, PROC_SHORTEST);

  while (low < high)
    {
      gsize middle = low + (high - low + 1) / 2;

      if (page_sum (costs, middle) <= room)
        low = middle;
      else
        high = middle - 1;
    }
  return low;
}

static void
page_shorten (ProcTable *table, gsize longest)
{
  for (guint i = 0; i < table->records->len; i++)
    {
      ProcRecord *record = g_ptr_array_index (table->records, i);

      table->records->pdata[i] = proc_record_shorten (record, longest);
      proc_record_unref (record);
    }
}

/* At least one, so that a requester that pages gets on. */
static guint
page_count_fitting (const ProcTable *table, gsize room)
{
  gsize cost = 0;
  guint n = 0;

  while (n < table->records->len)
    {
      cost += proc_record_cost (g_ptr_array_index (table->records, n));
      if (cost > room)
        break;
      n++;
    }
  return MAX (n, 1);
}

/* A single record is shortened in any case. */
void
proc_page_fit (ProcTable *table, gsize room, gboolean shorten)
{
  guint n = page_count_fitting (table, room);
  PageCosts costs;

  if (!shorten)
    proc_page_truncate (table, n);
  if (n < table->records->len || n == 1)
    {
      costs = page_count_costs (table);
      page_shorten (table, page_find_longest (&costs, room));
      g_free (costs.texts);
      proc_page_truncate (table, page_count_fitting (table, room));
    }
}
