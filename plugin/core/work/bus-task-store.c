/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task-store.h"

void
bus_task_store_init (BusTaskStore *store,
                     const BusLimits *limits,
                     BusDeadlineSet *deadlines,
                     GHashTable *accounts,
                     guint64 seed)
{
  *store = (BusTaskStore){
    .limits = limits, .deadlines = deadlines, .accounts = accounts, .seed = seed, .rules = { .deadlines = deadlines }
  };
  store->by_key = g_hash_table_new (bus_key_hash, bus_key_equal);
  bus_settled_init (&store->settled, (guint) limits->task_settled_ids);
}

/* --- memory --- */

static void
store_charge (BusTaskStore *store, BusTask *task, gsize size)
{
  store->bytes[task->shelf] += size - task->charged;
  task->account->task_bytes += size - task->charged;
  task->charged = size;
}

void
bus_task_store_recharge (BusTaskStore *store, BusTask *task)
{
  store_charge (store, task, bus_task_size (task));
}

/* --- shelves --- */

static void
store_take_off (BusTaskStore *store, BusTask *task)
{
  g_queue_unlink (&store->shelves[task->shelf], &task->store_link);
  store->bytes[task->shelf] -= task->charged;
  if (task->shelf == BUS_SHELF_LIVE)
    task->account->live_tasks--;
  task->shelf = BUS_SHELF_NONE;
}

static void
store_put_on (BusTaskStore *store, BusTask *task, BusShelf shelf)
{
  task->shelf = shelf;
  g_queue_push_tail_link (&store->shelves[shelf], &task->store_link);
  store->bytes[shelf] += task->charged;
  if (shelf == BUS_SHELF_LIVE)
    task->account->live_tasks++;
}

static void
store_move (BusTaskStore *store, BusTask *task, BusShelf shelf)
{
  store_take_off (store, task);
  store_put_on (store, task, shelf);
  bus_task_store_recharge (store, task);
}

/* --- finding --- */

BusTask *
bus_task_store_find (const BusTaskStore *store, guint32 account, WireSpan id)
{
  guint8 bytes[BUS_TASK_KEY_MAX];
  BusKey key = bus_task_key (store->seed, account, id, bytes);

  return id.len <= BUS_TASK_ID_MAX ? g_hash_table_lookup (store->by_key, &key) : NULL;
}

BusTaskState
bus_task_store_settled (const BusTaskStore *store, guint32 account, WireSpan id)
{
  guint8 bytes[BUS_TASK_KEY_MAX];
  BusKey key = bus_task_key (store->seed, account, id, bytes);
  const BusSettledId *settled = id.len <= BUS_TASK_ID_MAX ? bus_settled_find (&store->settled, &key) : NULL;

  return settled != NULL ? settled->state : 0;
}

/* --- life --- */

static gboolean
store_exceeds (BusExcess *excess, BusLimit limit, guint64 most, guint64 value)
{
  if (value <= most)
    return FALSE;
  *excess = (BusExcess){ limit, most, value };
  return TRUE;
}

gboolean
bus_task_store_is_full (const BusTaskStore *store,
                        const BusAccount *account,
                        const BusTaskSpec *spec,
                        BusExcess *excess)
{
  const BusLimits *limits = store->limits;
  guint64 bytes = store->bytes[BUS_SHELF_LIVE] + sizeof (BusTask) + spec->payload.len;

  return store_exceeds (excess, BUS_LIMIT_task_queue, limits->task_queue, store->shelves[BUS_SHELF_LIVE].length + 1)
         || store_exceeds (excess, BUS_LIMIT_task_queue_per_account, limits->task_queue_per_account,
                           account->live_tasks + 1)
         || store_exceeds (excess, BUS_LIMIT_task_bytes, limits->task_bytes, bytes);
}

/* The window needs no such check, because it drops its oldest tasks when it is above its bound. */
gboolean
bus_task_store_is_full_for_another (const BusTaskStore *store, const BusTask *task, BusExcess *excess)
{
  if (task->attachments.length == 0 || task->shelf != BUS_SHELF_LIVE)
    return FALSE;
  return store_exceeds (excess, BUS_LIMIT_task_bytes, store->limits->task_bytes,
                        store->bytes[BUS_SHELF_LIVE] + BUS_ATTACHMENT_BYTES);
}

BusTask *
bus_task_store_add (BusTaskStore *store, BusAccount *account, const BusTaskSpec *spec, gint64 now_us)
{
  BusTask *task = bus_task_new (account, spec, store->seed, now_us);

  if (task == NULL)
    return NULL;
  bus_account_hold (account);
  task->sequence = ++store->last_sequence;
  g_hash_table_insert (store->by_key, &task->key, task);
  g_queue_push_tail_link (&store->all, &task->all_link);
  store_put_on (store, task, BUS_SHELF_LIVE);
  bus_task_store_recharge (store, task);
  bus_deadline_arm (store->deadlines, &task->deadline_timer.deadline, task->due_us);
  return task;
}

void
bus_task_store_discard (BusTaskStore *store, BusTask *task)
{
  BusAccount *account = task->account;

  bus_deadline_disarm (store->deadlines, &task->deadline_timer.deadline);
  store_take_off (store, task);
  account->task_bytes -= task->charged;
  g_queue_unlink (&store->all, &task->all_link);
  g_hash_table_remove (store->by_key, &task->key);
  bus_task_free (task);
  bus_account_release (store->accounts, store->deadlines, account);
}

void
bus_task_store_forget (BusTaskStore *store, BusTask *task)
{
  bus_settled_add (&store->settled, &task->key, task->state);
  bus_task_store_discard (store, task);
}

void
bus_task_store_clear (BusTaskStore *store)
{
  while (store->all.head != NULL)
    {
      BusTask *task = store->all.head->data;

      bus_deadline_disarm (store->deadlines, &task->timer.deadline);
      bus_deadline_disarm (store->deadlines, &task->run_timer.deadline);
      bus_deadline_disarm (store->deadlines, &task->alone_timer.deadline);
      bus_task_store_discard (store, task);
    }
  for (guint i = 0; i < BUS_N_SHELVES; i++)
    g_assert (store->bytes[i] == 0 && store->shelves[i].length == 0);
  bus_task_store_return_credit (store);
  bus_settled_clear (&store->settled);
  g_clear_pointer (&store->by_key, g_hash_table_unref);
}

/* --- the end of a task --- */

static void
store_arm (BusTaskStore *store, BusTask *task, gint64 now_us, guint64 wait_us)
{
  bus_deadline_arm (store->deadlines, &task->deadline_timer.deadline, now_us + (gint64) wait_us);
}

/* Moves the task to quarantine. It keeps its payload, because it may be released; if there is no room, only the hash of the
 * payload stays. Its result, the last failure, is small. */
static void
store_quarantine (BusTaskStore *store, BusTask *task, gint64 now_us)
{
  if (store->bytes[BUS_SHELF_QUARANTINE] + task->charged > store->limits->task_quarantine_bytes)
    bus_task_drop_payloads (task);
  store_move (store, task, BUS_SHELF_QUARANTINE);
  store_arm (store, task, now_us, store->limits->task_quarantine_us);
}

void
bus_task_store_ended (BusTaskStore *store, BusTask *task, gint64 now_us)
{
  gboolean was_quarantined = task->shelf == BUS_SHELF_QUARANTINE;

  g_assert (!bus_task_is_live (task));
  store->n_ended[task->state]++;
  if (task->entry != NULL)
    {
      g_clear_pointer (&task->payload, g_bytes_unref);
      bus_task_store_recharge (store, task); /* the question frees it */
      return;
    }
  if (task->state == BUS_TASK_QUARANTINED)
    {
      store_quarantine (store, task, now_us);
      return;
    }
  g_clear_pointer (&task->payload, g_bytes_unref); /* it will not run again */
  if (was_quarantined)
    store_move (store, task, BUS_SHELF_WINDOW);
  bus_task_store_recharge (store, task);
  store_arm (store, task, now_us, store->limits->task_window_us);
}

void
bus_task_store_released (BusTaskStore *store, BusTask *task, gint64 now_us)
{
  g_assert (bus_task_is_live (task));
  task->due_us = now_us + task->deadline_us;
  store_move (store, task, BUS_SHELF_LIVE);
  bus_deadline_arm (store->deadlines, &task->deadline_timer.deadline, task->due_us);
}

void
bus_task_store_settle (BusTaskStore *store, BusTask *task, gint64 now_us)
{
  if (task->shelf != BUS_SHELF_LIVE || bus_task_is_live (task))
    return;
  g_clear_pointer (&task->history, g_array_unref); /* only live and quarantined tasks keep their history */
  store_move (store, task, BUS_SHELF_WINDOW);
  store_arm (store, task, now_us, store->limits->task_window_us);
}

void
bus_task_store_withhold (BusTaskStore *store, BusTicket *ticket)
{
  g_queue_push_tail (&store->withheld, ticket);
}

void
bus_task_store_return_credit (BusTaskStore *store)
{
  while (store->withheld.length > 0 && !bus_task_store_is_over (store))
    bus_ticket_unref (g_queue_pop_head (&store->withheld));
}

BusTask *
bus_task_store_next_excess (const BusTaskStore *store)
{
  const GQueue *window = &store->shelves[BUS_SHELF_WINDOW];
  const GQueue *quarantine = &store->shelves[BUS_SHELF_QUARANTINE];

  if (store->bytes[BUS_SHELF_WINDOW] > store->limits->task_window_bytes)
    return window->head->data;
  return quarantine->length > store->limits->task_quarantine ? quarantine->head->data : NULL;
}
