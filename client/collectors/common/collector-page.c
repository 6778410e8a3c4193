/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-page.h"

/* Cost of the parts of a list, in bytes. */
typedef struct
{
  gsize *texts; /* of each record: the texts, which can be cut */
  guint n;
  gsize rest; /* of all records together: everything that can't be cut */
} PageCosts;

static PageCosts
page_count_costs (const GPtrArray *records, const CollectorRecordClass *record_class)
{
  PageCosts costs = { g_new (gsize, records->len), records->len, 0 };

  for (guint i = 0; i < costs.n; i++)
    {
      costs.texts[i] = record_class->text_size (records->pdata[i]);
      costs.rest += record_class->cost (records->pdata[i]) - costs.texts[i];
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
page_find_longest (const PageCosts *costs, gsize shortest, gsize room)
{
  gsize low = shortest;
  gsize high = MAX (room, shortest);

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
page_shorten (GPtrArray *records, const CollectorRecordClass *record_class, gsize room)
{
  PageCosts costs = page_count_costs (records, record_class);
  gsize longest = page_find_longest (&costs, record_class->shortest, room);

  g_free (costs.texts);
  for (guint i = 0; i < records->len; i++)
    {
      gpointer record = records->pdata[i];

      records->pdata[i] = record_class->shorten (record, longest);
      record_class->unref (record);
    }
}

static guint
page_count_fitting (const GPtrArray *records, const CollectorRecordClass *record_class, gsize room)
{
  gsize cost = 0;
  guint n = 0;

  while (n < records->len)
    {
      cost += record_class->cost (records->pdata[n]);
      if (cost > room)
        break;
      n++;
    }
  return MAX (n, 1);
}

static void
page_truncate (GPtrArray *records, guint n)
{
  if (n < records->len)
    g_ptr_array_set_size (records, (gint) n);
}

/* A single record is shortened in any case. */
void
collector_page_fit (GPtrArray *records, const CollectorRecordClass *record_class, gsize room, gboolean shorten)
{
  guint n = page_count_fitting (records, record_class, room);
  gboolean can_shorten = record_class->text_size != NULL;

  if (!shorten || !can_shorten)
    page_truncate (records, n);
  if (!can_shorten || (n >= records->len && n > 1))
    return;
  page_shorten (records, record_class, room);
  page_truncate (records, page_count_fitting (records, record_class, room));
}
