/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/*
 * The reasons for the steps of a task. A step needs one of these: a frame of its holder with the right token, the end of its
 * holder, a timer that has expired, a call of a submitter or a tool, or the value of a counter. Each function returns the fault,
 * or NULL.
 */

#define INTERRUPTIONS_MAX 16u

typedef const char *(*Justify) (const TasksWorld *world,
                                const TasksRecord *record,
                                const TasksInput *input,
                                const TasksStep *step);

static gboolean
justify_is_frame (const TasksInput *input, TasksFrameKind kind)
{
  return input->kind == TASKS_INPUT_FRAME && input->frame->kind == kind;
}

static gboolean
justify_is_holder (const TasksRecord *record, const TasksInput *input)
{
  return input->client != NULL && record->holder == input->client->slot
         && record->holder_connection == input->client->number;
}

/* --- offers --- */

static const char *
justify_offer (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const guint n_deaths = record->deaths->len;

  if (world->is_paused[record->spec.operation])
    return "its operation is paused";
  if (record->held_until_us > world->now_us)
    return "it is held for a claim";
  if (record->has_lease && record->has_expired && !record->idempotent)
    return "its holder may still run, and it must not run twice";
  if (n_deaths > 0 && n_deaths + record->n_deaths >= 2)
    return "its deaths are not counted yet";
  return NULL;
}

/* --- answers --- */

static const char *
justify_answer (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksModel *model = world->model;

  /* An offer that could not be sent to its member is returned. */
  if (step->event == BUS_TASK_ON_BUSY && step->from == BUS_TASK_OFFERED && record->holder < TASKS_CLIENTS
      && !tasks_collector_knows (&world->clients[record->holder], record->route))
    return NULL;
  if (record != model->target)
    return "its holder sent nothing";
  if (!model->is_valid)
    return "the token is not that of the newest lease";
  return step->event == model->event ? NULL : "its holder sent another answer";
}

/* The holder has registered with a claim of the task. */
static const char *
justify_claim (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  if (!holder->is_registered || (!record->has_lease && !holder->is_serving))
    return "its holder has not registered";
  for (guint i = 0; i < holder->claims.n; i++)
    if (tasks_claims_match (world, record, holder, &holder->claims.list[i]))
      return NULL;
  return "its holder does not claim it";
}

/* --- the end of a holder --- */

static const char *
justify_eof (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  if (input->kind != TASKS_INPUT_DISCONNECT || !justify_is_holder (record, input))
    return "its holder is connected";
  return input->client->has_left || input->client->expects_exit ? "its end was announced" : NULL;
}

static const char *
justify_closed (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  return holder->peer != NULL && bus_peer_is_closing (holder->peer) && !holder->has_left
             ? NULL
             : "the broker disconnected no client";
}

static const char *
justify_deregister (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  if (justify_is_holder (record, input)
      && (justify_is_frame (input, TASKS_FRAME_DEREGISTER) || justify_is_frame (input, TASKS_FRAME_GOODBYE)))
    return NULL;
  if (holder->expects_exit && (holder->peer == NULL || bus_peer_is_closing (holder->peer)))
    return NULL;
  return "its holder did not announce its end";
}

static const char *
justify_drain (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return world->clients[record->holder % TASKS_CLIENTS].is_draining ? NULL : "its holder does not drain";
}

static const char *
justify_drain_over (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  return holder->is_draining && world->now_us >= holder->drain_until_us ? NULL : "its holder has time left to drain";
}

static const char *
justify_withdrawn (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const TasksClient *holder = &world->clients[record->holder % TASKS_CLIENTS];

  return holder->registration.abilities[record->spec.operation].is_offered ? "its holder has the operation" : NULL;
}

/* --- time --- */

static const char *
justify_since (const TasksWorld *world, const TasksInput *input, gint64 since_us, gint64 wait_us)
{
  if (input->kind != TASKS_INPUT_TICK)
    return "no time has passed";
  return world->now_us >= since_us + wait_us ? NULL : "it is too early";
}

/* The time of a lease. If the broker itself was late, it adds that time, at most once in a minute. */
static const char *
justify_lapse (const TasksWorld *world, const TasksInput *input, gint64 since_us, gint64 wait_us)
{
  const gint64 given_us = world->core->work->grace.given_us;
  const gboolean was_late = world->now_us - since_us - wait_us >= BUS_GRACE_LAG_US;

  if (was_late && (given_us == 0 || given_us == world->now_us))
    return "the broker itself was late";
  return justify_since (world, input, since_us, wait_us);
}

static const char *
justify_silent (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_lapse (world, input, record->since_us, (gint64) world->options.limits.task_offer_us);
}

static const char *
justify_progress_over (const TasksWorld *world,
                       const TasksRecord *record,
                       const TasksInput *input,
                       const TasksStep *step)
{
  if (record->progress_limit_us == 0)
    return "its operation does not report progress";
  return justify_lapse (world, input, record->renewed_us, record->progress_limit_us);
}

static const char *
justify_run_over (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_lapse (world, input, tasks_record_run_due_us (record), 0);
}

static const char *
justify_deadline (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_since (world, input, record->due_us, 0);
}

static const char *
justify_due (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_since (world, input, record->since_us, record->wait_us);
}

static const char *
justify_grace_over (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_since (world, input, record->since_us, (gint64) world->options.limits.task_cancel_us);
}

static const char *
justify_alone (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  if (!record->spec.cancel_when_alone || record->alone_since_us == 0)
    return "it has a submitter";
  return justify_since (world, input, record->alone_since_us, (gint64) world->options.limits.task_submitter_us);
}

static const char *
justify_store_over (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return NULL; /* the quarantine has a bound as well */
}

/* --- calls --- */

static const char *
justify_call (const TasksRecord *record, const TasksInput *input, TasksFrameKind kind)
{
  if (!justify_is_frame (input, kind) || input->frame->account != record->account)
    return "no call asked for it";
  for (guint i = 0; i < input->frame->n_items; i++)
    if (input->frame->items[i].number == record->number)
      return NULL;
  return "another task was meant";
}

static const char *
justify_cancel (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_call (record, input, TASKS_FRAME_CANCEL);
}

static const char *
justify_release (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_call (record, input, TASKS_FRAME_RELEASE);
}

static const char *
justify_drop (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return justify_call (record, input, TASKS_FRAME_DROP);
}

/* --- counters --- */

static const char *
justify_exhausted (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return tasks_record_spent (record) >= record->attempts ? NULL : "an attempt is left";
}

static const char *
justify_given_up (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  if (record->interruptions > INTERRUPTIONS_MAX)
    return NULL;
  if (step->from != BUS_TASK_DELAYED)
    return "the last attempt reported no failure";
  return tasks_record_spent (record) >= record->attempts ? NULL : "an attempt is left";
}

static const char *
justify_poison (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return record->died_on_two && record->died_on_proven ? NULL : "two members did not die of it";
}

static const char *
justify_unsafe (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  return record->since_us == world->now_us && record->lease_started && !record->idempotent
             ? NULL
             : "it may run twice, or has not expired";
}

static const Justify justifications[BUS_N_TASK_EVENTS] = {
  [BUS_TASK_ON_OFFER] = justify_offer,
  [BUS_TASK_ON_STARTED] = justify_answer,
  [BUS_TASK_ON_PROGRESS] = justify_answer,
  [BUS_TASK_ON_RESULT] = justify_answer,
  [BUS_TASK_ON_FAILURE] = justify_answer,
  [BUS_TASK_ON_RETRYABLE] = justify_answer,
  [BUS_TASK_ON_STOPPED] = justify_answer,
  [BUS_TASK_ON_BUSY] = justify_answer,
  [BUS_TASK_ON_CLAIM] = justify_claim,
  [BUS_TASK_ON_EOF] = justify_eof,
  [BUS_TASK_ON_CLOSED] = justify_closed,
  [BUS_TASK_ON_DEREGISTER] = justify_deregister,
  [BUS_TASK_ON_DRAIN] = justify_drain,
  [BUS_TASK_ON_DRAIN_OVER] = justify_drain_over,
  [BUS_TASK_ON_WITHDRAWN] = justify_withdrawn,
  [BUS_TASK_ON_SILENT] = justify_silent,
  [BUS_TASK_ON_PROGRESS_OVER] = justify_progress_over,
  [BUS_TASK_ON_RUN_OVER] = justify_run_over,
  [BUS_TASK_ON_DEADLINE] = justify_deadline,
  [BUS_TASK_ON_DUE] = justify_due,
  [BUS_TASK_ON_GRACE_OVER] = justify_grace_over,
  [BUS_TASK_ON_CANCEL] = justify_cancel,
  [BUS_TASK_ON_ALONE] = justify_alone,
  [BUS_TASK_ON_RELEASE] = justify_release,
  [BUS_TASK_ON_DROP] = justify_drop,
  [BUS_TASK_ON_STORE_OVER] = justify_store_over,
  [BUS_TASK_ON_EXHAUSTED] = justify_exhausted,
  [BUS_TASK_ON_GIVEN_UP] = justify_given_up,
  [BUS_TASK_ON_POISON] = justify_poison,
  [BUS_TASK_ON_UNSAFE] = justify_unsafe,
};

const char *
tasks_justify (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step)
{
  const Justify justify = justifications[step->event];

  return justify != NULL ? justify (world, record, input, step) : "no rule leads to it";
}
