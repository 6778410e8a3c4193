/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-task-answer.h"

#include "calls/bus-task-read.h"
#include "peer/bus-state.h"
#include "work/bus-attempt.h"
#include "work/bus-work.h"
#include "wire-block.h"

/* The most that a block may contain besides its payload if it is taken over: a 16th of the payload, because sizes of blocks are
 * rounded up, and the other fields, up to a 32nd of the payload and BLOCK_REST_MAX. */
#define BLOCK_HOLES    16u
#define BLOCK_REST     32u
#define BLOCK_REST_MAX 2048u
#define LARGE_MIN      16384u /* a smaller payload is copied */
#define TAKE_OVER      4u /* resized blocks are taken over while at most this part (1/4) of the bound of tasks is in use */

static WireStatus
answer_status (gboolean is_valid)
{
  return is_valid ? WIRE_STATUS_OK : WIRE_STATUS_STALE_LEASE;
}

static WireStatus
answer_take_failure (BusCore *core, BusLease *lease, WireSpan name, WireSpan text, gint64 now_us)
{
  const BusTaskAnswer answer = { .kind = BUS_OUTCOME_FAILED, .error_name = name, .error_text = text };
  guint8 token[BUS_TOKEN_LEN];

  memcpy (token, lease->token, BUS_TOKEN_LEN);
  return answer_status (bus_attempt_answer (core, lease, wire_span (token, BUS_TOKEN_LEN), &answer, now_us));
}

/* A result that is too large for a push is a failure without another attempt, which would have the same result. */
static void
answer_check_size (const BusCore *core, BusTaskAnswer *answer)
{
  if (answer->payload.len <= bus_limits_task_payload (&core->limits))
    return;
  *answer = (BusTaskAnswer){ .kind = BUS_OUTCOME_FAILED,
                             .error_name = WIRE_SPAN_LITERAL ("ResultTooLarge"),
                             .error_text = WIRE_SPAN_LITERAL ("the result is above the limit (max_payload)") };
}

/* TRUE if few results are kept. Those that were taken stay in the window for a while. */
static gboolean
answer_few_are_kept (const BusTaskStore *tasks)
{
  return tasks->bytes[BUS_SHELF_LIVE] + tasks->bytes[BUS_SHELF_WINDOW] <= tasks->limits->task_bytes / TAKE_OVER;
}

/* TRUE if the block of the frame may become the result. The task is charged for the payload only, so the block may not be much
 * larger. Resizing a block may leave memory in the heap that is unused and not charged. While few such blocks are kept, this does
 * not matter (see bus-message.c). */
static gboolean
answer_may_take_over (const BusTaskStore *tasks, const BusTaskReply *reply, gsize payload_len)
{
  const WireFrameReader *reader = reply->reader;

  return reply->frame->in_block
         && wire_frame_reader_held (reader)
                <= payload_len + payload_len / BLOCK_HOLES + MIN (payload_len / BLOCK_REST, BLOCK_REST_MAX)
         && (!reader->resized || answer_few_are_kept (tasks));
}

/* Keeps a large payload: takes over the block of the frame, or copies. NULL: no memory. */
static GBytes *
answer_keep_large (const BusTaskStore *tasks, BusTaskReply *reply, WireSpan payload)
{
  guint8 *block;
  gsize size;

  if (answer_may_take_over (tasks, reply, payload.len))
    block = wire_frame_reader_steal (reply->reader, &size);
  else
    {
      block = wire_block_new (payload.len, payload.len + payload.len / BLOCK_HOLES, &size);
      if (block == NULL)
        return NULL;
      payload = wire_span (memcpy (block, payload.data, payload.len), payload.len);
    }
  reply->kept = wire_block_to_bytes (block, size, payload);
  return reply->kept;
}

static WireStatus
answer_take_outcome (BusCore *core, BusLease *lease, BusTaskReply *reply, gint64 now_us)
{
  BusTaskOutcome outcome;
  BusTaskAnswer *answer = &outcome.answer;
  WireGuardError error;

  if (!bus_task_read_outcome (&outcome, reply->envelope->payload, &error))
    return answer_take_failure (core, lease, WIRE_SPAN_LITERAL ("BadOutcome"), wire_span_str (error.problem), now_us);
  answer_check_size (core, answer);
  if (answer->payload.len >= LARGE_MIN)
    answer->kept = answer_keep_large (&core->work->tasks, reply, answer->payload);
  return answer_status (bus_attempt_answer (core, lease, outcome.token, answer, now_us));
}

/* A progress that can't be read does not renew the lease. */
static WireStatus
answer_take_progress (BusCore *core, BusLease *lease, const WireEnvelope *envelope, char *detail, gint64 now_us)
{
  BusTaskProgressReport progress;
  const BusTaskReport *report = &progress.report;
  WireGuardError error;
  const gboolean is_read = bus_task_read_progress (&progress, envelope->payload, &error);

  if (!is_read || report->details.len > BUS_TASK_DETAILS_MAX)
    {
      g_strlcpy (detail, !is_read ? error.problem : "the details of a progress can have at most 4096 bytes",
                 BUS_TASK_ANSWER_TEXT);
      return WIRE_STATUS_BAD_MESSAGE;
    }
  return answer_status (bus_attempt_report (core, lease, progress.token, report, now_us));
}

/* Returns the text for a refusal of an answer of @lease, which may be written to @detail. It is determined before the answer is
 * taken, because that may free the lease. */
static const char *
answer_describe (const BusLease *lease, char *detail)
{
  const BusTask *task = lease->task;

  if (task == NULL || !bus_task_is_live (task))
    return "the task has ended";
  if (task->lease == lease)
    return "the token is not that of the lease";
  g_snprintf (detail, BUS_TASK_ANSWER_TEXT, "the task was given to %s", task->holder);
  return detail;
}

static WireStatus
answer_take (BusCore *core, BusRequest *request, BusTaskReply *reply, char *detail, gint64 now_us)
{
  const WireEnvelope *envelope = reply->envelope;
  BusLease *lease = request->requester.lease;

  if (bus_request_step (core, request, BUS_REQUEST_ON_PART) != BUS_REQUEST_SENT)
    return WIRE_STATUS_STALE_LEASE; /* the request was not sent yet: the member guessed the route id */
  if (!(reply->frame->flags & WIRE_FLAG_FINAL))
    return answer_take_progress (core, lease, envelope, detail, now_us);
  if (envelope->status != WIRE_STATUS_OK)
    return answer_take_failure (core, lease, envelope->error_name, envelope->detail, now_us);
  return answer_take_outcome (core, lease, reply, now_us);
}

WireStatus
bus_task_answer_take (BusCore *core, BusRequest *request, BusTaskReply *reply, char *detail, gint64 now_us)
{
  const char *refusal = answer_describe (request->requester.lease, detail);
  const WireStatus status = answer_take (core, request, reply, detail, now_us);

  if (status == WIRE_STATUS_STALE_LEASE && refusal != detail)
    g_strlcpy (detail, refusal, BUS_TASK_ANSWER_TEXT);
  return status;
}
