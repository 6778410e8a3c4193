/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-lease.h"

#include "peer/bus-state.h"
#include "work/bus-ask.h"
#include "work/bus-operations.h"
#include "work/bus-trust.h"
#include "work/bus-work.h"
#include "coordination.pb-c.h"
#include "wire-put.h"

#define BUSY_FIRST_US (100 * G_TIME_SPAN_MILLISECOND)
#define BUSY_MOST_US  (5 * G_TIME_SPAN_SECOND)

#define EXECUTE_FIELDS 16u

G_STATIC_ASSERT (sizeof (BusLease) + sizeof (BusRequest) <= BUS_LEASE_BYTES);

/* --- slots --- */

static guint *
lease_counter (BusMember *member, BusLeaseState state)
{
  switch (state)
    {
    case BUS_LEASE_OFFERED:
      return &member->n_offered;
    case BUS_LEASE_RUNNING:
      return &member->n_running;
    case BUS_LEASE_ZOMBIE:
      break;
    }
  return &member->n_zombie;
}

static void
lease_set_state (BusLease *lease, BusLeaseState state)
{
  --*lease_counter (lease->member, lease->state);
  lease->state = state;
  ++*lease_counter (lease->member, state);
}

/* --- Execute --- */

/* The fields of an Execute that is about to be packed. They borrow the texts of the task. */
typedef struct
{
  WireField fields[EXECUTE_FIELDS];
} LeaseExecute;

static WireSpan
lease_bytes (GBytes *bytes)
{
  gsize len = 0;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &len) : NULL;

  return wire_span (data, len);
}

/* An adopted task runs already: its member has payload and details. */
static void
lease_fill_execute (const BusLease *lease, LeaseExecute *execute, gint64 now_us)
{
  static const WireSpan none = { NULL, 0 };
  const BusTask *task = lease->task;
  const gboolean adopted = lease->is_adopted;
  GBytes *details = task->progress != NULL ? task->progress->details : NULL;

  *execute = (LeaseExecute){ {
      WIRE_PUT_SPAN (1, bus_task_id (task)),
      WIRE_PUT_SPAN (2, task->operation.text),
      WIRE_PUT_SPAN (3, adopted ? none : lease_bytes (task->payload)),
      WIRE_PUT_SPAN (4, task->payload_type),
      WIRE_PUT_NUMBER (5, task->priority),
      WIRE_PUT_NUMBER (6, lease->attempt),
      WIRE_PUT_SPAN (7, wire_span (lease->token, BUS_TOKEN_LEN)),
      WIRE_PUT_NUMBER (8, (guint64) MAX (task->due_us - now_us, 0)),
      WIRE_PUT_NUMBER (9, (guint64) lease->run_limit_us),
      WIRE_PUT_NUMBER (10, (guint64) lease->progress_us),
      WIRE_PUT_SPAN (11, adopted ? none : lease_bytes (details)),
      WIRE_PUT_NUMBER (12, adopted ? 1 : 0),
      WIRE_PUT_NUMBER (13, lease->is_finished ? 1 : 0),
      WIRE_PUT_SPAN (14, adopted ? wire_span (task->claimed_token, BUS_TOKEN_LEN) : none),
      WIRE_PUT_NUMBER (15, task->shard),
      WIRE_PUT_NUMBER (16, task->shards),
  } };
}

static gsize
lease_pack_execute (gconstpointer data, guint8 *to)
{
  const LeaseExecute *execute = data;

  return (gsize) (wire_put (to, execute->fields, EXECUTE_FIELDS) - to);
}

/* Sends Execute. FALSE: no memory, no room in the queue of the member, or it does not serve its task topic */
static gboolean
lease_send (BusCore *core, BusLease *lease, gint64 now_us)
{
  g_autofree char *topic = g_strconcat ("control.collector.task.", lease->member->type, ".", lease->member->id, NULL);
  LeaseExecute execute;

  lease_fill_execute (lease, &execute, now_us);
  lease->request
      = bus_ask (core,
                 &(const BusAsk){ .requester = { .kind = BUS_REQUESTER_TASK, .lease = lease },
                                  .responder = lease->member->peer,
                                  .topic = topic,
                                  .method = "",
                                  .type_name = daemoneye__eventbus__v1__execute__descriptor.name,
                                  .payload = wire_span (NULL, wire_put_size (execute.fields, EXECUTE_FIELDS)),
                                  .pack = lease_pack_execute,
                                  .message = &execute,
                                  .due_us = lease->task->due_us },
                 now_us);
  return lease->request != NULL;
}

/* --- members that are busy --- */

/* The slots of the member have changed: their number in use, or how many of them are zombies. */
static void
lease_note_room (BusCore *core, BusMember *member)
{
  if (member->state == BUS_MEMBER_GONE)
    return;
  bus_trust_slots (core, member);
  bus_operations_on_room (core->work->operations, member);
}

static void
lease_end_busy (BusCore *core, BusMember *member)
{
  member->is_busy = FALSE;
  bus_deadline_disarm (&core->deadlines, &member->busy_timer.deadline);
}

void
bus_lease_note_busy (BusCore *core, BusMember *member, gint64 now_us)
{
  member->busy_us = CLAMP (2 * member->busy_us, BUSY_FIRST_US, BUSY_MOST_US);
  member->is_busy = TRUE;
  member->busy_timer.kind = BUS_TIMER_BUSY;
  member->busy_timer.owner = member;
  bus_deadline_arm (&core->deadlines, &member->busy_timer.deadline, now_us + member->busy_us);
}

void
bus_lease_busy_due (BusCore *core, BusMember *member)
{
  lease_end_busy (core, member);
  bus_operations_on_room (core->work->operations, member);
}

void
bus_lease_forget_busy (BusCore *core, BusMember *member)
{
  lease_end_busy (core, member);
  member->busy_us = 0;
}

/* --- life --- */

static void
lease_fill_limits (const BusCore *core, BusLease *lease)
{
  const BusTask *task = lease->task;
  const BusAbility *ability = bus_member_ability (lease->member, task->operation.text);

  lease->idempotent
      = ability != NULL && ability->idempotent; /* the operation of an adopted task may have been withdrawn */
  lease->progress_us = ability != NULL ? ability->progress_us : (gint64) core->limits.task_progress_us;
  lease->run_limit_us = task->run_limit_us;
  if (lease->run_limit_us == 0 && ability != NULL)
    lease->run_limit_us = ability->run_limit_us;
  if (lease->run_limit_us == 0)
    lease->run_limit_us = (gint64) core->limits.task_run_limit_us;
}

static void
lease_write_token (BusCore *core, BusLease *lease)
{
  const BusTask *task = lease->task;
  const BusTokenParts parts
      = { .epoch = core->epoch,
          .task_hash = bus_token_task_hash (wire_span_str (task->account->name), bus_task_id (task)),
          .attempt = lease->attempt,
          .random = bus_token_random (&core->work->tokens) };

  bus_token_write (lease->token, &parts);
}

/* The newest lease is an offer: what was kept for a claim of the attempt before has no meaning any more. */
static void
lease_forget_attempt (BusTask *task)
{
  memcpy (task->claimed_token, task->token, BUS_TOKEN_LEN);
  task->run_due_us = 0;
  task->is_expired = task->was_finished = FALSE;
}

static void
lease_link (BusLease *lease)
{
  BusTask *task = lease->task;

  lease->operation = task->place.operation;
  lease->member_link.data = lease;
  lease->task_link.data = lease;
  g_queue_push_tail_link (&lease->member->leases, &lease->member_link);
  g_queue_push_tail_link (&task->leases, &lease->task_link);
  lease->member->n_offered++;
  lease->is_exclusive = task->exclusive;
  lease->member->is_exclusive |= task->exclusive;
  g_clear_pointer (&task->holder, g_ref_string_release);
  task->holder = g_ref_string_acquire (lease->member->id);
  memcpy (task->token, lease->token, BUS_TOKEN_LEN);
  if (!lease->is_adopted)
    lease_forget_attempt (task);
  task->is_answered = FALSE;
  task->was_claimed = FALSE;
  task->lease = lease;
}

/* Makes a lease and sends its Execute. @like: its kind and its attempt */
static BusLease *
lease_begin (BusCore *core, BusTask *task, BusMember *member, const BusLease *like, gint64 now_us)
{
  BusLease *lease = g_memdup2 (like, sizeof *like);

  lease->task = task;
  lease->member = member;
  lease_fill_limits (core, lease);
  lease_write_token (core, lease);
  if (!lease_send (core, lease, now_us))
    {
      g_free (lease);
      return NULL;
    }
  lease_link (lease);
  return lease;
}

BusLease *
bus_lease_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us)
{
  const BusLease like = { .attempt = task->attempt + 1 };

  return lease_begin (core, task, member, &like, now_us);
}

BusLease *
bus_lease_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us)
{
  const BusLease like = { .attempt = claim->attempt, .is_adopted = TRUE, .is_finished = claim->is_finished };
  guint8 before[BUS_TOKEN_LEN];
  BusLease *lease;

  memcpy (before, task->claimed_token, BUS_TOKEN_LEN);
  memcpy (task->claimed_token, claim->token, BUS_TOKEN_LEN);
  lease = lease_begin (core, task, member, &like, now_us);
  if (lease == NULL)
    memcpy (task->claimed_token, before, BUS_TOKEN_LEN);
  return lease;
}

/* The broker takes a task away from its member, usually because the member does not answer, but it cannot stop the handler in
 * the other process. If the lease were freed, the slot would be free as well: a member that hangs would get one task after the
 * other, and run more of them at a time than it has slots. If the lease stayed as it is, the task would wait for a member that
 * may never answer.
 *
 * So the lease stays, with another meaning. Its slot is in use until the member answers or is gone, while the task can be
 * offered to another member. Until another member gets the task, the lease is still the newest one, and its token is valid: a
 * result that is merely late counts. A caller that queues the task again makes sure that it is not offered to the same member
 * (bus_operation_avoid()). A member with zombies in all its slots becomes SUSPECT (bus-trust). */
void
bus_lease_make_zombie (BusCore *core, BusLease *lease)
{
  if (lease->state == BUS_LEASE_ZOMBIE)
    return;
  lease_set_state (lease, BUS_LEASE_ZOMBIE);
  lease_note_room (core, lease->member);
}

void
bus_lease_limit (BusCore *core, BusLease *lease)
{
  lease->run_timer.kind = BUS_TIMER_LEASE;
  lease->run_timer.owner = lease;
  bus_deadline_arm (&core->deadlines, &lease->run_timer.deadline, lease->task->run_due_us);
}

void
bus_lease_start (BusCore *core, BusLease *lease, gint64 now_us)
{
  bus_deadline_disarm (&core->deadlines, &lease->run_timer.deadline);
  lease->has_started = TRUE;
  lease->started_us = now_us;
  lease->member->has_started = TRUE;
  lease_set_state (lease, BUS_LEASE_RUNNING);
  lease_note_room (core, lease->member); /* it may get another offer; and a zombie may have answered */
}

/* An exclusive task of @member has ended: other tasks may be offered to it again. */
static void
lease_update_exclusive (BusMember *member)
{
  member->is_exclusive = FALSE;
  for (const GList *link = member->leases.head; link != NULL; link = link->next)
    member->is_exclusive |= ((const BusLease *) link->data)->is_exclusive;
}

static void
lease_end_request (BusCore *core, BusLease *lease)
{
  BusRequest *request = g_steal_pointer (&lease->request);

  if (request->state == BUS_REQUEST_ENDED)
    bus_request_free (core, request);
  else if (request->state == BUS_REQUEST_ANSWERED)
    bus_request_complete (core, request);
  else
    bus_request_withdraw (core, request);
}

void
bus_lease_free (BusCore *core, BusLease *lease)
{
  BusTask *task = lease->task;
  BusMember *member = lease->member;

  bus_deadline_disarm (&core->deadlines, &lease->run_timer.deadline);
  lease_end_request (core, lease);
  g_queue_unlink (&member->leases, &lease->member_link);
  --*lease_counter (member, lease->state);
  if (lease->is_exclusive)
    lease_update_exclusive (member);
  if (task != NULL)
    {
      g_queue_unlink (&task->leases, &lease->task_link);
      if (task->place.operation != NULL)
        bus_operation_allow (task, member);
      /* While the task is RESERVED, its reserved member is that of the next lease, not of this one. */
      if (task->place.operation != NULL && task->lease == lease && task->place.where != BUS_TASK_RESERVED)
        bus_operation_lease_ended (task);
      if (task->lease == lease)
        task->lease = NULL;
      bus_task_store_recharge (&core->work->tasks, task);
    }
  bus_operation_give_back (lease->operation);
  lease_end_busy (core, member);
  lease_note_room (core, member);
  g_free (lease);
}

gboolean
bus_lease_stop (BusCore *core, BusLease *lease, WireStatus status)
{
  if (!lease->is_stopped && !bus_request_ask_to_stop (core, lease->request, status))
    {
      bus_lease_free (core, lease);
      return FALSE;
    }
  lease->is_stopped = TRUE;
  bus_lease_make_zombie (core, lease);
  return TRUE;
}

gboolean
bus_lease_is_valid (const BusLease *lease, WireSpan token)
{
  return bus_token_equal (lease->token, token) && lease->task != NULL && lease->task->lease == lease;
}

void
bus_lease_forget_task (BusTask *task)
{
  while (task->leases.head != NULL)
    {
      BusLease *lease = task->leases.head->data;

      g_queue_unlink (&task->leases, &lease->task_link);
      lease->task = NULL;
    }
  task->lease = NULL;
}
