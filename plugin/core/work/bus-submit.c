/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-submit.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-adoption.h"
#include "work/bus-course.h"
#include "work/bus-expiry.h"
#include "work/bus-lease.h"
#include "work/bus-operations.h"
#include "work/bus-push.h"
#include "work/bus-registry.h"
#include "work/bus-task-news.h"
#include "work/bus-work.h"

#define TAG_MAX          128u
#define LAST_ATTEMPT_MAX 1000000u                 /* more attempts follow, and the number must not wrap */
#define HOLD_UNNAMED_US  (2 * G_TIME_SPAN_SECOND) /* hold of a task whose last holder is not known */

static void
submit_refuse (BusSubmitAnswer *answer, WireStatus status, const char *detail)
{
  answer->status = status;
  g_strlcpy (answer->detail, detail, sizeof answer->detail);
}

static gboolean
submit_exceeds (BusSubmitAnswer *answer, BusLimit limit, guint64 most, guint64 value)
{
  if (value <= most)
    return FALSE;
  submit_refuse (answer, WIRE_STATUS_LIMIT, "it is above a limit of the broker");
  answer->excess = (BusExcess){ limit, most, value };
  return TRUE;
}

/* Refuses the name of an operation: there are too many, and each has a queue of its own. */
static void
submit_refuse_name (const BusCore *core, const BusAccount *account, BusSubmitAnswer *answer)
{
  submit_refuse (answer, WIRE_STATUS_LIMIT,
                 bus_operations_explain (core->work->operations, account->number, &answer->excess));
}

static void
submit_show (BusSubmitAnswer *answer, const BusTask *task)
{
  answer->task = task;
  answer->state = task->state;
}

/* --- checks --- */

/* TRUE for one segment of a topic: ids, operations and types are parts of topics. */
static gboolean
submit_is_name (WireSpan name)
{
  for (gsize i = 0; i < name.len; i++)
    if (!g_ascii_islower (name.data[i]) && !g_ascii_isdigit (name.data[i]) && name.data[i] != '-'
        && name.data[i] != '_')
      return FALSE;
  return name.len > 0 && name.len <= BUS_TASK_ID_MAX;
}

/* Returns a text about the first field that is not valid; NULL: none. */
static const char *
submit_problem (const BusSubmission *submission)
{
  const BusTaskSpec *spec = &submission->task;

  if (!submit_is_name (spec->id))
    return "id must be 1 to 64 bytes of a-z 0-9 - _";
  if (!submit_is_name (spec->operation))
    return "operation must be 1 to 64 bytes of a-z 0-9 - _";
  if (spec->type.len > 0 && !submit_is_name (spec->type))
    return "type must be up to 64 bytes of a-z 0-9 - _";
  if (spec->target.len > 0 && !submit_is_name (spec->target))
    return "target must be up to 64 bytes of a-z 0-9 - _";
  if (submission->last_holder.len > 0 && !submit_is_name (submission->last_holder))
    return "last_holder must be up to 64 bytes of a-z 0-9 - _";
  if (submission->last_attempt > LAST_ATTEMPT_MAX)
    return "last_attempt must be up to 1000000";
  if (spec->payload_type.len > BUS_TASK_TEXT_MAX)
    return "payload_type can have up to 256 bytes";
  if (spec->priority > BUS_TASK_PRIORITY_MAX)
    return "priority must be 0 to 255";
  if (submission->has_attempts && spec->attempts == 0)
    return "attempts must be 1 or more: leave it out for the default (task-attempts)";
  if (spec->n_tags > BUS_TASK_TAGS_MAX)
    return "a task can have up to 16 tags";
  for (guint i = 0; i < spec->n_tags; i++)
    if (spec->tags[i].len == 0 || spec->tags[i].len > TAG_MAX)
      return "a tag must have 1 to 128 bytes";
  return NULL;
}

static gboolean
submit_check_limits (const BusCore *core, const BusTaskSpec *spec, BusSubmitAnswer *answer)
{
  const BusLimits *limits = &core->limits;

  return !submit_exceeds (answer, BUS_LIMIT_max_payload, bus_limits_task_payload (limits), spec->payload.len)
         && !submit_exceeds (answer, BUS_LIMIT_task_max_deadline_us, limits->task_max_deadline_us,
                             (guint64) spec->deadline_us)
         && !submit_exceeds (answer, BUS_LIMIT_task_max_deadline_us, limits->task_max_deadline_us,
                             (guint64) spec->not_before_us)
         && !submit_exceeds (answer, BUS_LIMIT_task_run_limit_us, bus_limit_spec (BUS_LIMIT_task_run_limit_us)->ceiling,
                             (guint64) spec->run_limit_us)
         && !submit_exceeds (answer, BUS_LIMIT_task_attempts, bus_limit_spec (BUS_LIMIT_task_attempts)->ceiling,
                             spec->attempts);
}

static void
submit_fill_defaults (const BusCore *core, BusSubmission *submission)
{
  BusTaskSpec *spec = &submission->task;

  if (spec->deadline_us == 0)
    spec->deadline_us = (gint64) core->limits.task_deadline_us;
  if (!submission->has_attempts)
    spec->attempts = (guint) core->limits.task_attempts;
}

/* --- the same task again --- */

/* Each connection of the account may attach to each of its tasks, and an attachment is memory of the task: without a bound they
 * could need many times the memory of the tasks. */
static void
submit_attach (BusCore *core, BusPeer *peer, BusTask *task, BusSubmitAnswer *answer)
{
  const BusTaskStore *store = &core->work->tasks;

  if (!bus_push_is_attached (task, peer) && bus_task_store_is_full_for_another (store, task, &answer->excess))
    {
      submit_refuse (answer, WIRE_STATUS_LIMIT,
                     "the broker has no room for another submitter of the task: try again later");
      return;
    }
  answer->is_attached = TRUE;
  bus_push_attach (core, task, peer);
}

/* Handles a submission of a known id. TRUE: the id is known, and @answer is filled */
static gboolean
submit_again (BusCore *core, BusPeer *peer, const BusTaskSpec *spec, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTask *task = bus_task_store_find (&core->work->tasks, peer->account->number, spec->id);
  const char *difference;

  if (task == NULL)
    return FALSE;
  submit_show (answer, task);
  difference = bus_task_difference (task, spec, core->seed);
  if (difference != NULL)
    {
      answer->status = WIRE_STATUS_DUPLICATE_ID;
      g_snprintf (answer->detail, sizeof answer->detail, "another task has this id: it differs in %s", difference);
    }
  else if (bus_course_on (core, task, BUS_TASK_ON_SUBMIT, NULL, now_us) == BUS_TASK_REFUSED)
    submit_refuse (answer, WIRE_STATUS_QUARANTINED, "it is in quarantine: release or drop it");
  else
    submit_attach (core, peer, task, answer);
  return TRUE;
}

static gboolean
submit_is_settled (const BusCore *core, const BusPeer *peer, WireSpan id, BusSubmitAnswer *answer)
{
  answer->state = bus_task_store_settled (&core->work->tasks, peer->account->number, id);
  if (answer->state == 0)
    return FALSE;
  submit_refuse (answer, WIRE_STATUS_PAYLOAD_GONE, "it has ended, and its result is not kept any more");
  return TRUE;
}

/* --- a new task --- */

/* A task that was submitted again may still run: it waits for the claim of its last holder. */
static void
submit_hold (BusCore *core, BusTask *task, const BusSubmission *submission, gint64 now_us)
{
  const WireSpan holder = submission->last_holder;
  gint64 end_us = bus_adoption_end_us (core);

  if (holder.len > 0)
    task->holder = g_ref_string_new_len ((const char *) holder.data, (gssize) holder.len);
  else
    end_us = MIN (end_us, now_us + HOLD_UNNAMED_US);
  bus_course_await_holder (core, task, end_us);
}

static void
submit_queue (BusCore *core, BusTask *task, const BusSubmission *submission, gint64 now_us)
{
  if (submission->resubmit)
    task->attempt = submission->last_attempt;
  if (task->state == BUS_TASK_DELAYED)
    {
      bus_operation_park (task, BUS_TASK_LATER);
      bus_deadline_arm (&core->deadlines, &task->timer.deadline, now_us + submission->task.not_before_us);
    }
  else if (submission->resubmit)
    submit_hold (core, task, submission, now_us);
  else
    bus_course_queue (core, task, BUS_PLACE_NEW);
}

static gboolean
submit_has_room (const BusCore *core, const BusPeer *peer, const BusTaskSpec *spec, BusSubmitAnswer *answer)
{
  if (!bus_task_store_is_full (&core->work->tasks, peer->account, spec, &answer->excess))
    return TRUE;
  submit_refuse (answer, WIRE_STATUS_LIMIT, "the broker has no room for more tasks: try again later");
  return FALSE;
}

static void
submit_add (BusCore *core, BusPeer *peer, const BusSubmission *submission, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTaskSpec spec = submission->task;
  BusTask *task;

  if (submission->resubmit && submission->last_holder.len > 0)
    spec.not_before_us = 0; /* it has begun before */
  task = bus_task_store_add (&core->work->tasks, peer->account, &spec, now_us);
  if (task == NULL)
    {
      submit_refuse (answer, WIRE_STATUS_NO_MEMORY, "no memory for the task");
      return;
    }
  if (!bus_operations_join (core->work->operations, task))
    {
      bus_task_store_discard (&core->work->tasks, task);
      submit_refuse_name (core, peer->account, answer);
      return;
    }
  submit_queue (core, task, submission, now_us);
  bus_push_attach (core, task, peer);
  bus_task_news_queued (core, task, now_us);
  if (task->is_awaited)
    bus_adoption_resubmitted (core, task, now_us);
  submit_show (answer, task);
}

void
bus_submit (BusCore *core, BusPeer *peer, const BusSubmission *submission, BusSubmitAnswer *answer, gint64 now_us)
{
  BusSubmission filled = *submission;
  const char *problem = submit_problem (&filled);

  *answer = (BusSubmitAnswer){ .status = WIRE_STATUS_OK };
  submit_fill_defaults (core, &filled);
  if (problem != NULL)
    submit_refuse (answer, WIRE_STATUS_BAD_MESSAGE, problem);
  if (problem != NULL || !submit_check_limits (core, &filled.task, answer)
      || submit_again (core, peer, &filled.task, answer, now_us)
      || submit_is_settled (core, peer, filled.task.id, answer))
    return;
  if (filled.resubmit && now_us >= bus_adoption_end_us (core))
    submit_refuse (answer, WIRE_STATUS_UNKNOWN, "the broker does not know it: it was not run again");
  else if (submit_has_room (core, peer, &filled.task, answer))
    submit_add (core, peer, &filled, answer, now_us);
}

/* --- other calls --- */

static BusTask *
submit_find (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *answer)
{
  BusTask *task = bus_task_store_find (&core->work->tasks, account, id);

  *answer = (BusSubmitAnswer){ .status = WIRE_STATUS_OK };
  if (task != NULL)
    {
      submit_show (answer, task);
      return task;
    }
  answer->state = bus_task_store_settled (&core->work->tasks, account, id);
  if (answer->state != 0)
    submit_refuse (answer, WIRE_STATUS_PAYLOAD_GONE, "it has ended, and is not kept any more");
  else
    submit_refuse (answer, WIRE_STATUS_ABSENT, "there is no such task");
  return NULL;
}

void
bus_submit_cancel (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTask *task = submit_find (core, account, id, answer);

  if (task == NULL)
    return;
  if (bus_expiry_cancel (core, task, BUS_TASK_ON_CANCEL, now_us) == BUS_TASK_IGNORED)
    g_strlcpy (answer->detail, bus_task_is_live (task) ? "already cancelling" : "already done", sizeof answer->detail);
  answer->state = task->state;
}

/* Notifies the holder that it need not keep its answer any more. */
static void
submit_confirm (BusCore *core, BusTask *task)
{
  guint64 route = task->result_route;
  const BusMember *member = task->holder != NULL ? bus_registry_find (core->work, wire_span_str (task->holder)) : NULL;
  WireEnvelope delivered;

  task->result_route = 0;
  if (route == 0 || member == NULL || member->registration_id != task->result_registration)
    return;
  wire_envelope_init (&delivered);
  delivered.route_id = route;
  bus_peer_put_in_lane (member->peer, WIRE_LANE_DATA, WIRE_KIND_DELIVERED, 0, &delivered);
  bus_peer_touch (member->peer);
}

void
bus_submit_settle (BusCore *core, BusPeer *peer, WireSpan id, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTask *task = submit_find (core, peer->account->number, id, answer);

  if (task == NULL)
    return;
  if (bus_task_is_live (task) || task->entry != NULL)
    {
      submit_refuse (answer, WIRE_STATUS_PROTOCOL_ORDER,
                     task->entry != NULL ? "it belongs to a question to many collectors, and ends with the question"
                                         : "it has not ended");
      return;
    }
  submit_confirm (core, task);
  bus_push_detach (core, task, peer, now_us);
  /* While another submitter is attached, the task stays on its shelf: that submitter may not have the result yet, and the window
   * may be too small to keep it. */
  if (task->attachments.length == 0)
    bus_task_store_settle (&core->work->tasks, task, now_us);
}

/* --- quarantine --- */

/* Returns the quarantined task; NULL: it is not in quarantine, and @answer says so. */
static BusTask *
submit_find_quarantined (BusCore *core,
                         guint32 account,
                         WireSpan id,
                         BusTaskEvent event,
                         BusSubmitAnswer *answer,
                         gint64 now_us)
{
  BusTask *task = submit_find (core, account, id, answer);

  if (task == NULL || (task->state == BUS_TASK_QUARANTINED && task->entry == NULL))
    return task;
  bus_course_on (core, task, event, NULL, now_us); /* refused, and counted */
  submit_refuse (answer, WIRE_STATUS_PROTOCOL_ORDER, "it is not in quarantine");
  return NULL;
}

/* Members that still hold zombies of the task do not get it again. */
static void
submit_avoid_holders (BusTask *task)
{
  for (const GList *link = task->leases.head; link != NULL; link = link->next)
    bus_operation_avoid (task, ((const BusLease *) link->data)->member);
}

static void
submit_reset (BusTask *task)
{
  task->counts = (BusTaskCounts){ 0 };
  task->offers_lost = 0;
  task->is_suspect = FALSE;
  task->died_on_two = task->died_on_proven = FALSE;
  g_clear_pointer (&task->died_on, g_ref_string_release);
}

void
bus_submit_release (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTask *task = submit_find_quarantined (core, account, id, BUS_TASK_ON_RELEASE, answer, now_us);

  if (task == NULL)
    return;
  if (task->payload == NULL && task->payload_len > 0)
    submit_refuse (answer, WIRE_STATUS_PAYLOAD_GONE, "its payload is not kept any more");
  else if (!bus_operations_join (core->work->operations, task))
    submit_refuse_name (core, task->account, answer);
  else
    {
      submit_reset (task);
      bus_course_on (core, task, BUS_TASK_ON_RELEASE, NULL, now_us);
      bus_task_store_released (&core->work->tasks, task, now_us);
      bus_push_check_alone (core, task, now_us);
      submit_avoid_holders (task);
      bus_course_queue (core, task, BUS_PLACE_NEW);
      answer->state = task->state;
    }
}

void
bus_submit_drop (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *answer, gint64 now_us)
{
  BusTask *task = submit_find_quarantined (core, account, id, BUS_TASK_ON_DROP, answer, now_us);

  if (task == NULL)
    return;
  bus_course_on (core, task, BUS_TASK_ON_DROP, NULL, now_us);
  answer->state = task->state;
}
