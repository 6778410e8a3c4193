/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-request.h"
#include "deye-bus-message-private.h"
#include "session/deye-bus-session-answer.h"

/*
 * Tasks: from the request Execute to its handler, and from the handler's reports to the replies.
 *
 * A new task takes four steps, in this order:
 *
 * 1. The client reads everything that the socket contains. A task whose CANCEL has arrived is answered, and its handler is not
 *    called.
 * 2. STARTED is written at once, although other frames are written when the dispatch ends. The handler may end its process or
 *    return late, and the broker counts the end of the process as a death that the task has caused only if the task was started.
 * 3. The client reads once more. The process may have been suspended since step 1, and the broker may have given the task to
 *    another collector meanwhile: because the offer was not answered in time, or because the lease has expired. In both cases
 *    the broker has sent CANCEL, and the handler is not called.
 * 4. The handler is called. Its reports are written at once, too.
 *
 * Invariant: STARTED of an attempt is sent before its handler is called, and the handler is called at most once.
 */

#define RESERVE_BYTES (16u * 1024u) /* the part of the largest payload that token, texts and details need */
#define REPORT_US     (2500 * G_TIME_SPAN_MILLISECOND) /* of operations without a limit for progress */
#define FAR_US        (G_MAXINT64 / 4)

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

/* A request Execute that was read. */
typedef struct
{
  DeyeBusMessage *message;
  DeyeBusExecute execute; /* points into @message */
} ExecuteOrder;

/* --- reports and outcomes of handlers --- */

gboolean
deye_bus_collector_is_attached (DeyeBusCollector *self, const DeyeBusRun *run)
{
  return self->client->state == DEYE_BUS_CLIENT_STATE_READY
         && deye_bus_session_is_open (self->client->session, run->request);
}

static void
execute_take_report (DeyeBusRun *run)
{
  DeyeBusReport *report = deye_bus_run_take_report (run);

  if (report == NULL)
    return;
  g_clear_pointer (&run->last_report, deye_bus_report_free);
  run->last_report = report;
  run->is_report_due = TRUE;
}

static void
execute_send_report (DeyeBusCollector *self, DeyeBusRun *run, gint64 now_us)
{
  if (!run->is_report_due || !deye_bus_collector_is_attached (self, run))
    return;
  run->is_report_due = FALSE;
  run->report_next_us = now_us + run->report_every_us;
  deye_bus_collector_send_progress (self, run, FALSE, run->last_report);
  deye_bus_client_write (self->client);
}

gint64
deye_bus_collector_send_reports (DeyeBusCollector *self, gint64 now_us)
{
  gint64 next_us = G_MAXINT64;

  for (guint i = 0; i < self->runs->len; i++)
    {
      DeyeBusRun *run = self->runs->pdata[i];

      if (run->report_next_us <= now_us)
        execute_send_report (self, run, now_us);
      if (run->is_report_due && deye_bus_collector_is_attached (self, run))
        next_us = MIN (next_us, run->report_next_us);
    }
  return next_us;
}

/* TRUE if no broker will ask for the outcome again. A question ends with the connection of its asker, so it does not outlive the
 * broker. A collector whose connection ends is not asked again, unless the task is a shard, which the collector may then claim. */
static gboolean
execute_is_asked_once (const DeyeBusRun *run)
{
  return deye_bus_run_task_is_question (&run->task) && run->task.shards == 0;
}

/* TRUE if the outcome is kept until it is confirmed. Outcomes of other kinds are not: the broker makes another attempt for them, as
 * it does if they are lost with the connection. */
static gboolean
execute_is_kept (DeyeBusRun *run, const DeyeBusOutcome *outcome)
{
  return (outcome->kind == OUTCOME (SUCCEEDED) || outcome->kind == OUTCOME (FAILED)) && !execute_is_asked_once (run)
         && deye_bus_run_cancel_reason (run) != DEYE_BUS_CANCEL_SUPERSEDED;
}

/* Ends the run, sends and keeps its outcome, and so frees its slot. Takes @outcome. */
static void
execute_end_run (DeyeBusCollector *self, DeyeBusRun *run, DeyeBusOutcome *outcome)
{
  gboolean is_sent;

  if (run->is_report_due)
    execute_send_report (self, run, g_get_monotonic_time ());
  is_sent = deye_bus_collector_is_attached (self, run)
            && deye_bus_collector_send_outcome (self, run->request, deye_bus_token_span (&run->token), outcome);
  if (execute_is_kept (run, outcome))
    deye_bus_collector_keep (self, run, g_steal_pointer (&outcome), is_sent);
  g_clear_pointer (&outcome, deye_bus_outcome_free);
  g_ptr_array_remove (self->runs, run);
  deye_bus_collector_check_drained (self);
}

static void
execute_on_changed (gpointer owner, DeyeBusRun *changed)
{
  DeyeBusCollector *self = owner;
  g_autoptr (DeyeBusRun) run = deye_bus_run_ref (changed);
  DeyeBusOutcome *outcome = deye_bus_run_take_outcome (run);

  execute_take_report (run);
  if (outcome != NULL)
    execute_end_run (self, run, outcome);
  else
    deye_bus_collector_arm (self, deye_bus_collector_send_reports (self, g_get_monotonic_time ()));
}

/* --- CANCEL --- */

static const struct
{
  guint32 status;
  DeyeBusCancelReason reason;
} cancel_reasons[] = {
  { WIRE_STATUS_EXPIRED, DEYE_BUS_CANCEL_EXPIRED },
  { WIRE_STATUS_TIMEOUT, DEYE_BUS_CANCEL_EXPIRED },
  { WIRE_STATUS_SUPERSEDED, DEYE_BUS_CANCEL_SUPERSEDED },
  { WIRE_STATUS_DRAINING, DEYE_BUS_CANCEL_DRAINING },
};

static DeyeBusCancelReason
execute_cancel_reason (guint32 status)
{
  for (guint i = 0; i < G_N_ELEMENTS (cancel_reasons); i++)
    if (cancel_reasons[i].status == status)
      return cancel_reasons[i].reason;
  return DEYE_BUS_CANCEL_ASKED;
}

void
deye_bus_collector_task_news (gpointer owner, const DeyeBusTaskNews *news)
{
  g_autoptr (DeyeBusCollector) self = g_object_ref (owner);

  if (news->is_delivered)
    {
      deye_bus_collector_forget_delivered (self, news->origin, news->route);
      return;
    }
  for (guint i = 0; i < self->runs->len; i++)
    {
      g_autoptr (DeyeBusRun) run = deye_bus_run_ref (self->runs->pdata[i]);

      if (run->request->origin == news->origin && run->request->route_id == news->route)
        {
          deye_bus_run_cancel (run, execute_cancel_reason (news->status));
          return;
        }
    }
}

void
deye_bus_collector_cancel_runs (DeyeBusCollector *self, DeyeBusCancelReason reason)
{
  g_autoptr (GPtrArray) all = g_ptr_array_copy (self->runs, (GCopyFunc) (void (*) (void)) deye_bus_run_ref, NULL);

  g_ptr_array_set_free_func (all, (GDestroyNotify) deye_bus_run_unref);
  for (guint i = 0; i < all->len; i++)
    deye_bus_run_cancel (all->pdata[i], reason);
}

/* --- orders --- */

/* Answers an order without starting a run. */
static void
execute_answer (DeyeBusCollector *self, const ExecuteOrder *order, guint32 kind, const char *name, const char *text)
{
  g_autoptr (DeyeBusOutcome) outcome = deye_bus_outcome_new (kind, NULL, NULL, name, text);

  deye_bus_collector_send_outcome (self, order->message, order->execute.token, outcome);
}

static gint64
execute_time (guint64 us)
{
  return (gint64) MIN (us, (guint64) FAR_US);
}

/* A copy, because the details are small, and a handler that keeps them must not keep a large payload with them. NULL: the order has
 * none. */
static GBytes *
execute_dup_details (const ExecuteOrder *order)
{
  const WireSpan details = order->execute.last_details;

  return details.len > 0 ? g_bytes_new (details.data, details.len) : NULL;
}

static DeyeBusRun *
execute_new_run (DeyeBusCollector *self, const ExecuteOrder *order)
{
  const DeyeBusExecute *execute = &order->execute;
  const guint64 largest = deye_bus_session_welcome (self->client->session)->largest_payload;
  const DeyeBusRunTask task = {
    .payload = deye_bus_message_dup_part (order->message, execute->payload),
    .last_details = execute_dup_details (order),
    .attempt = (guint32) execute->attempt,
    .priority = (guint32) execute->priority,
    .shard = (guint32) execute->shard,
    .shards = (guint32) execute->shards,
    .due_us = g_get_monotonic_time () + execute_time (execute->remaining_us),
    .largest = largest > 2 * RESERVE_BYTES ? largest - RESERVE_BYTES : largest / 2, /* as the broker does */
  };
  const DeyeBusRunTexts texts = { execute->task_id, execute->operation, execute->payload_type };

  if (self->run_owner == NULL)
    self->run_owner = deye_bus_run_owner_new (self->client->context, self, execute_on_changed);
  return deye_bus_run_new (&task, &texts, self->run_owner);
}

/* The run continues under the lease of @message. */
static void
execute_attach (DeyeBusRun *run, DeyeBusMessage *message, const DeyeBusExecute *execute)
{
  g_clear_pointer (&run->request, deye_bus_message_unref);
  run->request = deye_bus_message_ref (message);
  deye_bus_token_set (&run->token, execute->token);
  run->report_every_us = execute->progress_us > 0 ? execute_time (execute->progress_us) / 4 : REPORT_US;
}

/* Step 3, after STARTED was written. FALSE: the lease is not valid any more, so the handler is not called. If the connection has
 * ended, no answer is sent: the lease has ended with the connection. */
static gboolean
execute_is_still_wanted (DeyeBusCollector *self, const ExecuteOrder *order, const DeyeBusRun *run)
{
  guint32 status;

  deye_bus_client_read_ahead (self->client);
  if (!deye_bus_collector_is_attached (self, run))
    return FALSE;
  if (!deye_bus_session_is_task_cancelled (self->client->session, order->message, &status))
    return TRUE;
  execute_answer (self, order, OUTCOME (CANCELLED), NULL, NULL);
  return FALSE;
}

static void
execute_begin (DeyeBusCollector *self, const ExecuteOrder *order, DeyeBusOperation *operation)
{
  g_autoptr (DeyeBusOperation) held = deye_bus_operation_ref (operation);
  g_autoptr (DeyeBusRun) run = execute_new_run (self, order);
  g_autoptr (DeyeBusWork) work = NULL;

  execute_attach (run, order->message, &order->execute);
  if (!deye_bus_collector_send_progress (self, run, TRUE, NULL))
    return;
  deye_bus_client_write (self->client);
  if (!execute_is_still_wanted (self, order, run))
    return;
  g_ptr_array_add (self->runs, deye_bus_run_ref (run));
  work = deye_bus_work_new (run);
  held->handler (self, work, held->user_data);
}

/* TRUE: an earlier attempt of the task still runs here, and has to end before another attempt begins. If the broker no longer
 * waits for the earlier attempt, it is cancelled. */
static gboolean
execute_supersede (DeyeBusCollector *self, WireSpan task_id)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      g_autoptr (DeyeBusRun) run = deye_bus_run_ref (self->runs->pdata[i]);

      if (!wire_span_equal (wire_span_str (run->task.task_id), task_id))
        continue;
      if (!deye_bus_collector_is_attached (self, run))
        deye_bus_run_cancel (run, DEYE_BUS_CANCEL_SUPERSEDED);
      return TRUE;
    }
  return FALSE;
}

/* Begins a run, or refuses it: operations, draining and slots may have changed while the request was on its way. */
static void
execute_take_new (DeyeBusCollector *self, const ExecuteOrder *order)
{
  DeyeBusOperation *operation = deye_bus_collector_find_operation (self, order->execute.operation);
  guint32 status;

  if (deye_bus_session_is_task_cancelled (self->client->session, order->message, &status))
    execute_answer (self, order, OUTCOME (CANCELLED), NULL, NULL);
  else if (operation == NULL)
    execute_answer (self, order, OUTCOME (RETRYABLE), "UnknownOperation", "the collector has no such operation");
  else if (self->is_draining || deye_bus_collector_has_drain_request (self))
    execute_answer (self, order, OUTCOME (BUSY), NULL, NULL);
  else if (execute_supersede (self, order->execute.task_id) || self->runs->len >= self->max_concurrent)
    execute_answer (self, order, OUTCOME (BUSY), NULL, NULL);
  else
    execute_begin (self, order, operation);
}

/* --- works of an earlier connection --- */

/* The run continues under the lease of @order. A CANCEL of that lease may have arrived before it. */
static void
execute_take_up (DeyeBusCollector *self, const ExecuteOrder *order, DeyeBusRun *adopted)
{
  g_autoptr (DeyeBusRun) run = deye_bus_run_ref (adopted);
  guint32 status;

  execute_attach (run, order->message, &order->execute);
  deye_bus_collector_send_progress (self, run, TRUE, NULL);
  run->report_next_us = 0;
  run->is_report_due = run->last_report != NULL; /* the broker may not have got it */
  execute_send_report (self, run, g_get_monotonic_time ());
  if (deye_bus_session_is_task_cancelled (self->client->session, order->message, &status))
    deye_bus_run_cancel (run, execute_cancel_reason (status));
}

static void
execute_adopt (DeyeBusCollector *self, const ExecuteOrder *order)
{
  const DeyeBusExecute *execute = &order->execute;
  DeyeBusRun *run = deye_bus_collector_find_run (self, execute);
  const DeyeBusOutcome *outcome;

  if (run != NULL)
    {
      execute_take_up (self, order, run);
      return;
    }
  outcome = deye_bus_collector_adopt_kept (self, execute, order->message);
  if (outcome != NULL)
    deye_bus_collector_send_outcome (self, order->message, execute->token, outcome);
  else
    execute_answer (self, order, OUTCOME (RETRYABLE), "NotKnown", "the collector does not have this attempt");
}

/* --- all --- */

static void
execute_refuse (DeyeBusCollector *self, DeyeBusMessage *message, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  g_message ("collector %s: task of %s refused: %s", self->client->id, deye_bus_message_get_sender (message), detail);
  if (!deye_bus_client_respond_error (self->client, message, name, detail, &error))
    g_debug ("refusal not sent: %s", error->message);
}

static void
execute_take (DeyeBusCollector *self, DeyeBusMessage *message)
{
  ExecuteOrder order = { .message = message };

  if (g_strcmp0 (deye_bus_message_get_sender (message), "bus") != 0)
    execute_refuse (self, message, "PermissionDenied", "tasks come from the broker only");
  else if (!deye_bus_execute_read (&order.execute, message))
    execute_refuse (self, message, "BadRequest", "the payload is not a valid Execute");
  else if (order.execute.adopt)
    execute_adopt (self, &order);
  else
    execute_take_new (self, &order);
}

/* TRUE if no other task and no report comes first. */
static gboolean
execute_is_next (const DeyeBusCollector *self)
{
  return self->arrived.length == 0 && self->client->state == DEYE_BUS_CLIENT_STATE_READY
         && !deye_bus_collector_has_reports (self);
}

static void
execute_take_arrived (DeyeBusCollector *self, DeyeBusMessage *message)
{
  deye_bus_client_read_ahead (self->client); /* a CANCEL of the task may have arrived */
  if (deye_bus_session_is_open (self->client->session, message))
    execute_take (self, message);
}

void
deye_bus_collector_take_arrived (DeyeBusCollector *self)
{
  DeyeBusMessage *message;

  while (self->client->state == DEYE_BUS_CLIENT_STATE_READY && (message = g_queue_pop_head (&self->arrived)) != NULL)
    {
      execute_take_arrived (self, message);
      deye_bus_message_unref (message);
    }
  deye_bus_collector_check_drained (self);
}

void
deye_bus_collector_on_execute (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);

  if (self == NULL)
    return;
  if (execute_is_next (self))
    {
      execute_take_arrived (self, message);
      deye_bus_collector_check_drained (self);
      return;
    }
  g_queue_push_tail (&self->arrived, deye_bus_message_ref (message));
  deye_bus_collector_settle (self);
  deye_bus_collector_take_arrived (self);
}
