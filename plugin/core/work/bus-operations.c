/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-operations.h"

#include "work/bus-isolation.h"

BusOperations *
bus_operations_new (guint64 seed, guint max, BusDeadlineSet *deadlines, const gint64 *now_us)
{
  BusOperations *operations = g_new0 (BusOperations, 1);

  operations->shared = (BusOperationShared){ .seed = seed, .deadlines = deadlines, .now_us = now_us };
  bus_pool_spares_init (&operations->shared.spares);
  operations->shared.released = g_ptr_array_new ();
  operations->max = max;
  operations->by_name = g_hash_table_new (bus_key_hash, bus_key_equal);
  operations->shared.members = g_ptr_array_new ();
  return operations;
}

/* --- names --- */

static void
operations_remove (BusOperations *operations, BusOperation *operation)
{
  if (operation->is_awake)
    g_queue_unlink (&operations->shared.awake, &operation->awake_link);
  operation->is_awake = FALSE;
  g_queue_unlink (&operations->list, &operation->link);
  g_hash_table_remove (operations->by_name, &operation->key);
  bus_operation_free (operation);
}

void
bus_operations_free (BusOperations *operations)
{
  while (operations->list.length > 0)
    operations_remove (operations, g_queue_peek_head (&operations->list));
  g_hash_table_unref (operations->by_name);
  g_ptr_array_unref (operations->shared.members);
  g_ptr_array_unref (operations->shared.released);
  bus_pool_spares_clear (&operations->shared.spares);
  g_free (operations);
}

static gboolean
operations_is_unused (const BusOperation *operation)
{
  return operation->n_tasks == 0 && operation->n_slots == 0 && !operation->is_paused && operation->limit == 0
         && operation->choice.strategy == BUS_STRATEGY_DEFAULT;
}

/* NULL: @account does not use the name. */
static BusOperationUser *
operations_find_user (const BusOperation *operation, guint32 account)
{
  for (guint i = 0; i < operation->users->len; i++)
    {
      BusOperationUser *user = &g_array_index (operation->users, BusOperationUser, i);

      if (user->account == account)
        return user;
    }
  return NULL;
}

/* Frees the unused operation that got a task least recently. @account: only one of this account; NULL: of any. FALSE: all are in
 * use */
static gboolean
operations_remove_unused (BusOperations *operations, const guint32 *account)
{
  for (GList *link = operations->list.head; link != NULL; link = link->next)
    if (operations_is_unused (link->data) && (account == NULL || operations_find_user (link->data, *account) != NULL))
      {
        operations_remove (operations, link->data);
        return TRUE;
      }
  return FALSE;
}

static gboolean
operations_is_at_share (const BusOperations *operations, guint32 account)
{
  guint n = 0;

  for (GList *link = operations->list.head; link != NULL; link = link->next)
    n += operations_find_user (link->data, account) != NULL;
  return n >= operations->max / 2;
}

/* Frees an unused operation of @account if it uses its share of the names. FALSE: all are in use */
static gboolean
operations_make_share (BusOperations *operations, guint32 account)
{
  return !operations_is_at_share (operations, account) || operations_remove_unused (operations, &account);
}

/* Frees an unused operation if a bound is reached. FALSE: all are in use */
static gboolean
operations_make_room (BusOperations *operations, guint32 account)
{
  return operations_make_share (operations, account)
         && (operations->list.length < operations->max || operations_remove_unused (operations, NULL));
}

const char *
bus_operations_explain (const BusOperations *operations, guint32 account, BusExcess *excess)
{
  const gboolean is_at_share = operations_is_at_share (operations, account);
  const guint64 most = is_at_share ? operations->max / 2 : operations->max;

  *excess = (BusExcess){ BUS_LIMIT_task_names, most, most + 1 };
  return is_at_share ? "this account uses half of the names of operations: end other tasks first"
                     : "there are too many names of operations";
}

static BusOperationUser *
operations_add_user (BusOperation *operation, guint32 account)
{
  const BusOperationUser user = { account, 0 };

  g_array_append_val (operation->users, user);
  return &g_array_index (operation->users, BusOperationUser, operation->users->len - 1);
}

/* An account without tasks uses the name only until another one does. */
static void
operations_drop_last_user (BusOperation *operation)
{
  for (guint i = operation->users->len; operation->users->len > 1 && i-- > 0;)
    if (g_array_index (operation->users, BusOperationUser, i).n_tasks == 0)
      g_array_remove_index_fast (operation->users, i);
}

/* Counts a task of @account. FALSE: the account uses its share of the names */
static gboolean
operations_use (BusOperations *operations, BusOperation *operation, guint32 account)
{
  BusOperationUser *user = operations_find_user (operation, account);

  if (user == NULL && !operations_make_share (operations, account))
    return FALSE;
  if (user == NULL)
    user = operations_add_user (operation, account);
  user->n_tasks++;
  operations_drop_last_user (operation);
  return TRUE;
}

BusOperation *
bus_operations_find (BusOperations *operations, const BusKey *name)
{
  return g_hash_table_lookup (operations->by_name, name);
}

BusOperation *
bus_operations_get (BusOperations *operations, const BusKey *name, guint32 account)
{
  BusOperation *operation = bus_operations_find (operations, name);

  if (operation != NULL || !operations_make_room (operations, account))
    return operation;
  operation = bus_operation_new (&operations->shared, name);
  operations_add_user (operation, account);
  g_hash_table_insert (operations->by_name, &operation->key, operation);
  g_queue_push_tail_link (&operations->list, &operation->link);
  for (guint i = 0; i < operations->shared.members->len; i++)
    bus_operation_on_member (operation, g_ptr_array_index (operations->shared.members, i), FALSE);
  return operation;
}

/* --- tasks --- */

gboolean
bus_operations_join (BusOperations *operations, BusTask *task)
{
  const guint32 account = task->account->number;
  BusOperation *operation = bus_operations_get (operations, &task->operation, account);

  if (operation == NULL || !operations_use (operations, operation, account))
    return FALSE;
  task->place.operation = operation;
  operation->n_tasks++;
  operation->n_tasks_at[BUS_TASK_NOWHERE]++;
  g_queue_unlink (&operations->list, &operation->link);
  g_queue_push_tail_link (&operations->list, &operation->link);
  return TRUE;
}

void
bus_operations_leave (BusTask *task)
{
  BusOperation *operation = task->place.operation;

  bus_operation_remove (task);
  bus_operation_lease_ended (task);
  operation->n_tasks--;
  operations_find_user (operation, task->account->number)->n_tasks--;
  operations_drop_last_user (operation);
  operation->n_tasks_at[BUS_TASK_NOWHERE]--;
  task->place.operation = NULL;
}

/* --- members --- */

void
bus_operations_on_room (BusOperations *operations, const BusMember *member)
{
  for (guint i = 0; i < member->abilities->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (member->abilities, i);
      BusOperation *operation = bus_operations_find (operations, &ability->name);

      if (operation != NULL)
        bus_operation_on_room (operation, member);
    }
}

/* A member that is not reserved any more has room for tasks of all its operations. */
static void
operations_settle_released (BusOperations *operations)
{
  GPtrArray *released = operations->shared.released;

  while (released->len > 0)
    bus_operations_on_room (operations, g_ptr_array_steal_index_fast (released, released->len - 1));
}

/* --- the next task --- */

static int
operations_compare_served (const BusOperation *a, const BusOperation *b)
{
  return (a->served > b->served) - (a->served < b->served);
}

/* Operations that wait for the bound of reservations are woken one by one, the one that has waited longest first; otherwise each
 * reservation that ends would wake all of them for one member. */
static void
operations_settle_bound (BusOperations *operations)
{
  BusOperationShared *shared = &operations->shared;

  if (shared->at_bound.length > 0 && bus_isolation_may_reserve (shared->members))
    bus_operation_on_bound (g_queue_peek_head (&shared->at_bound));
}

/* Returns the operation that is served next. NULL: no operation may have a task to place */
static BusOperation *
operations_next_awake (BusOperations *operations)
{
  BusOperation *best = NULL;

  operations_settle_released (operations);
  operations_settle_bound (operations);
  for (GList *link = operations->shared.awake.head; link != NULL; link = link->next)
    if (best == NULL || operations_compare_served (link->data, best) < 0)
      best = link->data;
  return best;
}

BusTask *
bus_operations_next (BusOperations *operations, BusMember **member)
{
  BusOperation *operation;

  while ((operation = operations_next_awake (operations)) != NULL)
    {
      BusTask *task = bus_operation_next (operation, member);

      if (task == NULL)
        continue;
      operation->served = ++operations->last_lease;
      return task;
    }
  return NULL;
}

/* --- changes of members --- */

/* Notifies all operations, because the member may have withdrawn some of them. */
static void
operations_revise (BusOperations *operations, BusMember *member, gboolean is_gone)
{
  g_ptr_array_remove (operations->shared.members, member);
  if (!is_gone)
    bus_members_insert (operations->shared.members, member);
  for (GList *link = operations->list.head; link != NULL; link = link->next)
    bus_operation_on_member (link->data, member, is_gone);
  /* A member that is gone must not stay in any list. */
  if (is_gone)
    operations_settle_released (operations);
}

void
bus_operations_on_member (BusOperations *operations, BusMember *member)
{
  const gboolean is_gone = member->state == BUS_MEMBER_GONE;

  if (member->order == 0)
    member->order = ++operations->last_order;
  if (is_gone || member->revision != member->placed_revision)
    operations_revise (operations, member, is_gone);
  member->placed_revision = member->revision;
  if (!is_gone)
    bus_operations_on_room (operations, member);
}
