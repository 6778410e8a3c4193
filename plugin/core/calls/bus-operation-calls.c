/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-operation-calls.h"

#include "base/bus-text.h"
#include "calls/bus-budget.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-registry.h"
#include "coordination.pb-c.h"
#include "wire-topic.h"

typedef Daemoneye__Eventbus__V1__OperationRecord OperationRecord;

#define OPERATIONS_PAGE 100u

static guint
operation_count_ready (const BusCall *call, const BusOperation *operation)
{
  const GPtrArray *members = bus_registry_members_of (call->core->work, operation->key.text);
  guint n = 0;

  for (guint i = 0; members != NULL && i < members->len; i++)
    n += ((const BusMember *) g_ptr_array_index (members, i))->state == BUS_MEMBER_READY ? 1 : 0;
  return n;
}

/* The age of the oldest task that waits for any member. Tasks that are reserved or held are in no pool and do not count. */
static guint64
operation_oldest_us (const BusCall *call, const BusOperation *operation)
{
  const gint64 since_us = bus_pools_waiting_since_us (&operation->pools);

  return since_us > 0 ? (guint64) (call->now_us - since_us) : 0;
}

static void
operation_fill (const BusCall *call, OperationRecord *record, const BusOperation *operation)
{
  const guint *at = operation->n_tasks_at;

  daemoneye__eventbus__v1__operation_record__init (record);
  record->operation = operation->name;
  record->is_paused = operation->is_paused;
  record->limit = operation->limit;
  record->strategy = (Daemoneye__Eventbus__V1__Strategy) operation->choice.strategy;
  record->collectors = operation_count_ready (call, operation);
  record->queued = at[BUS_TASK_WAITS] + at[BUS_TASK_RESERVED] + at[BUS_TASK_HELD];
  record->delayed = at[BUS_TASK_LATER];
  record->running = operation->n_slots;
  record->succeeded = operation->n_succeeded;
  record->failed = operation->n_failed;
  record->cancelled = operation->n_cancelled;
  record->oldest_us = operation_oldest_us (call, operation);
}

static void
operation_refuse_name (const BusCall *call)
{
  BusExcess excess;
  const char *detail = bus_operations_explain (call->core->work->operations, call->peer->account->number, &excess);

  bus_peer_error_excess (call->peer, call->id, WIRE_STATUS_LIMIT, detail, &excess);
}

/* The operation that the request names. It is made if it does not exist, so that it can be set before its first task. NULL: the
 * asker got an ERROR. */
static BusOperation *
operation_of (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__OperationRequest *request = call->request;
  const BusKey key = bus_key (call->core->seed, wire_span_str (request->operation));
  BusOperation *operation = NULL;

  if (call->peer->principal.role == BUS_ROLE_COLLECTOR)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_DENIED, "only agent and tool change an operation");
      return NULL;
    }
  if (!wire_segment_is_valid (key.text, (guint) call->core->limits.segment_bytes))
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, "operation must be one segment of a-z 0-9 - _");
      return NULL;
    }
  operation = bus_operations_get (call->core->work->operations, &key, call->peer->account->number);
  if (operation == NULL)
    operation_refuse_name (call);
  return operation;
}

static void
operation_answer (const BusCall *call, const BusOperation *operation)
{
  Daemoneye__Eventbus__V1__OperationReply reply;
  OperationRecord record;

  operation_fill (call, &record, operation);
  daemoneye__eventbus__v1__operation_reply__init (&reply);
  reply.operation = &record;
  bus_reply_message (call->peer, call->id, &reply.base);
}

static void
operation_pause (const BusCall *call, gboolean is_paused)
{
  BusOperation *operation = operation_of (call);

  if (operation == NULL)
    return;
  bus_operation_pause (operation, is_paused);
  operation_answer (call, operation);
}

void
bus_operation_calls_pause (const BusCall *call)
{
  operation_pause (call, TRUE);
}

void
bus_operation_calls_resume (const BusCall *call)
{
  operation_pause (call, FALSE);
}

void
bus_operation_calls_limit (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__OperationRequest *request = call->request;
  BusOperation *operation = operation_of (call);

  if (operation == NULL)
    return;
  if ((guint) request->strategy > BUS_STRATEGY_LAST)
    {
      bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, "there is no such strategy");
      return;
    }
  bus_operation_set_limit (operation, request->limit);
  if (request->strategy != 0)
    bus_operation_set_strategy (operation, (BusStrategy) request->strategy);
  operation_answer (call, operation);
}

/* --- the list, in the order of names --- */

static gint
operation_compare (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const BusOperation *const *) a)->name, (*(const BusOperation *const *) b)->name);
}

static GPtrArray *
operation_list_after (const BusCall *call, const char *cursor)
{
  GPtrArray *all = g_ptr_array_new ();

  for (const GList *link = call->core->work->operations->list.head; link != NULL; link = link->next)
    if (strcmp (((const BusOperation *) link->data)->name, cursor) > 0)
      g_ptr_array_add (all, link->data);
  g_ptr_array_sort (all, operation_compare);
  return all;
}

void
bus_operation_calls_list (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__OperationsRequest *request = call->request;
  guint most = request->limit > 0 ? MIN (request->limit, OPERATIONS_PAGE) : OPERATIONS_PAGE;
  OperationRecord records[OPERATIONS_PAGE], *list[OPERATIONS_PAGE];
  g_autoptr (GPtrArray) all = NULL;
  Daemoneye__Eventbus__V1__OperationsReply reply;
  guint n;

  if (!bus_budget_admit (call->peer, call->id, call->now_us))
    return;
  all = operation_list_after (call, request->cursor);
  n = MIN (most, all->len);
  for (guint i = 0; i < n; i++)
    {
      operation_fill (call, &records[i], g_ptr_array_index (all, i));
      list[i] = &records[i];
    }
  daemoneye__eventbus__v1__operations_reply__init (&reply);
  reply.operations = list;
  reply.n_operations = n;
  if (n < all->len)
    reply.next_cursor = records[n - 1].operation;
  bus_budget_spend (call->peer, all->len * BUS_WORK_MEMBER + n * BUS_WORK_ENTRY, &reply.base);
  bus_reply_message (call->peer, call->id, &reply.base);
}
