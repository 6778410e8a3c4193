/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-describe.h"

#include "collection.pb-c.h"
#include "proc-pack.h"
#include "proc-page.h"
#include "procmond-query.h"

typedef Daemoneye__Eventbus__V1__DescribeProcess Query;

typedef struct
{
  ProcTable *table;
  gsize room;
} DescribeAnswer;

static gpointer
describe_begin (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const Query *query = message;
  DescribeAnswer *answer = g_new (DescribeAnswer, 1);
  g_autoptr (ProcRecord) record = NULL;

  *answer = (DescribeAnswer){ proc_table_new (), room };
  switch (proc_record_read (query->pid, &record))
    {
    case PROC_READ:
      if (query->start_time == 0 || query->start_time == record->start_time)
        g_ptr_array_add (answer->table->records, g_steal_pointer (&record));
      break;
    case PROC_UNREADABLE:
      answer->table->unreadable = 1;
      break;
    case PROC_GONE:
      break;
    }
  return answer;
}

static GBytes *
describe_pack (gpointer data)
{
  DescribeAnswer *answer = data;

  proc_page_fit (answer->table, answer->room, TRUE);
  return proc_pack_table (answer->table);
}

static void
describe_set_extent (gpointer data, DeyeBusWork *work)
{
  const DescribeAnswer *answer = data;

  deye_bus_work_set_rows (work, answer->table->records->len);
  if (answer->table->unreadable > 0)
    deye_bus_work_set_share (work, 1);
}

static void
describe_free (gpointer data)
{
  DescribeAnswer *answer = data;

  proc_table_free (answer->table);
  g_free (answer);
}

const CollectorQuestion procmond_describe_question = {
  .operation = "describe_process",
  .text = "Returns the process with a pid.",
  .query_type = &daemoneye__eventbus__v1__describe_process__descriptor,
  .answer_type = PROCMOND_TABLE_TYPE,
  .begin = describe_begin,
  .pack = describe_pack,
  .set_extent = describe_set_extent,
  .free = describe_free,
};
