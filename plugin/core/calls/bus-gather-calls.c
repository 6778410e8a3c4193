/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-gather-calls.h"

#include "calls/bus-later.h"
#include "peer/bus-peer.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "work/bus-gather.h"
#include "gather.pb-c.h"
#include "wire-topic.h"

#define TAG_MAX 128u

typedef Daemoneye__Eventbus__V1__GatherRequest GatherRequest;

typedef struct
{
  BusLater later;
  BusGather *gather;
} GatherCall;

/* --- checks --- */

static gboolean
gather_is_name (const BusCall *call, const char *name)
{
  return strlen (name) <= BUS_TASK_ID_MAX
         && wire_segment_is_valid (wire_span_str (name), (guint) call->core->limits.segment_bytes);
}

static const char *
gather_problem_of_mode (const GatherRequest *request)
{
  switch ((guint) request->mode)
    {
    case BUS_GATHER_ALL:
      return request->n > 0 ? "n is for SOME and SHARDS: ALL asks each collector of the roster" : NULL;
    case BUS_GATHER_SOME:
    case BUS_GATHER_SHARDS:
      return request->n == 0 ? "n must be the number of collectors or shards, from 1" : NULL;
    default:
      return "mode must be ALL, SOME or SHARDS";
    }
}

static const char *
gather_problem_of_requirement (const GatherRequest *request)
{
  const guint require = (guint) request->require;
  const gboolean is_at_least = require == BUS_REQUIRE_AT_LEAST;

  if (require < BUS_REQUIRE_ALL || require > BUS_REQUIRE_ANY)
    return "require must be ALL, AT_LEAST or ANY: say which answers you accept";
  if (!is_at_least && request->require_n > 0)
    return "require_n is for AT_LEAST";
  if (is_at_least && request->require_n == 0)
    return "require_n must be the number of answers that AT_LEAST requires, from 1";
  if (is_at_least && (guint) request->mode != BUS_GATHER_ALL && request->require_n > request->n)
    return "require_n is above n: that number of answers can't arrive";
  return NULL;
}

static const char *
gather_problem_of_tags (const GatherRequest *request)
{
  if (request->n_tags > BUS_TASK_TAGS_MAX)
    return "a question can have up to 16 tags";
  for (gsize i = 0; i < request->n_tags; i++)
    if (request->tags[i][0] == '\0' || strlen (request->tags[i]) > TAG_MAX)
      return "a tag must have 1 to 128 bytes";
  return NULL;
}

/* A text about the first field that is not valid. NULL: all are valid. */
static const char *
gather_problem (const BusCall *call, const GatherRequest *request)
{
  const char *problem;

  if (!gather_is_name (call, request->operation))
    return "operation must be one segment of a-z 0-9 - _, up to 64 bytes";
  if (request->type[0] != '\0' && !gather_is_name (call, request->type))
    return "type must be one segment of a-z 0-9 - _, up to 64 bytes";
  if (strlen (request->payload_type) > BUS_TASK_TEXT_MAX)
    return "payload_type can have up to 256 bytes";
  if (request->priority > BUS_TASK_PRIORITY_MAX)
    return "priority must be 0 to 255";
  problem = gather_problem_of_mode (request);
  if (problem == NULL)
    problem = gather_problem_of_requirement (request);
  return problem != NULL ? problem : gather_problem_of_tags (request);
}

static gboolean
gather_exceeds (const BusCall *call, const BusExcess *excess)
{
  if (excess->value <= excess->most)
    return FALSE;
  bus_peer_error_excess (call->peer, call->id, WIRE_STATUS_LIMIT, "the question is above a limit of the broker",
                         excess);
  return TRUE;
}

static gboolean
gather_is_above_limits (const BusCall *call, const GatherRequest *request)
{
  const BusLimits *limits = &call->core->limits;
  const BusExcess running = { BUS_LIMIT_gathers, limits->gathers, call->peer->account->gathers + 1 };
  const BusExcess payload = { BUS_LIMIT_max_payload, bus_limits_task_payload (limits), request->payload.len };
  const BusExcess deadline = { BUS_LIMIT_task_max_deadline_us, limits->task_max_deadline_us, request->deadline_us };
  const BusExcess entries = bus_gather_bound (limits, request->n);

  return gather_exceeds (call, &running) || gather_exceeds (call, &payload) || gather_exceeds (call, &deadline)
         || gather_exceeds (call, &entries);
}

/* The question keeps its payload until the call ends, and is charged for it even above the limits, so it is checked first. */
static gboolean
gather_has_room (const BusCall *call, const GatherRequest *request)
{
  BusPeer *peer = call->peer;
  const gsize size = sizeof (BusGather) + request->payload.len;

  if (!bus_shed_fit_account (peer->account, size, call->now_us))
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_uid_bytes, peer->account->usage.charged + size);
      return FALSE;
    }
  if (!bus_shed_reserve (call->core, size, call->now_us))
    {
      bus_peer_error_limit (peer, call->id, BUS_LIMIT_broker_bytes, call->core->quota.memory + size);
      return FALSE;
    }
  return bus_peer_is_ready (peer); /* it may have been closed to make room */
}

static gboolean
gather_check_request (const BusCall *call, const GatherRequest *request)
{
  const char *problem = gather_problem (call, request);

  if (problem != NULL)
    bus_peer_error (call->peer, call->id, WIRE_STATUS_BAD_MESSAGE, problem);
  return problem == NULL && !gather_is_above_limits (call, request) && gather_has_room (call, request);
}

/* --- the call --- */

static void
gather_ended (BusLater *later)
{
  bus_gather_free (((GatherCall *) later)->gather, later->asker->core->now_us); /* later is its first field */
}

/* At the deadline of the call the question ends as well, unless it has ended before. The call stays until the manifest was sent,
 * which has to wait while the asker does not read. */
static void
gather_call_due (BusLater *later)
{
  BusGather *gather = ((GatherCall *) later)->gather;

  if (gather->phase <= BUS_GATHER_ASKS)
    bus_gather_due (gather, later->asker->core->now_us);
}

static const BusLaterKind gather_kind = { .size = sizeof (GatherCall), .due = gather_call_due, .ended = gather_ended };

static gint64
gather_deadline (const BusCall *call, const GatherRequest *request)
{
  guint64 us = request->deadline_us > 0 ? request->deadline_us : call->core->limits.gather_deadline_us;

  if (call->deadline_us > 0)
    us = MIN (us, call->deadline_us);
  return (gint64) us;
}

static void
gather_begin (const BusCall *call, GatherCall *gather_call)
{
  const GatherRequest *request = call->request;
  WireSpan tags[BUS_TASK_TAGS_MAX];
  const BusGatherSpec spec = { .operation = wire_span_str (request->operation),
                               .type = wire_span_str (request->type),
                               .payload = wire_span (request->payload.data, request->payload.len),
                               .payload_type = wire_span_str (request->payload_type),
                               .tags = tags,
                               .n_tags = (guint) request->n_tags,
                               .priority = request->priority,
                               .mode = (BusGatherMode) request->mode,
                               .n = request->n,
                               .require = (BusGatherRequire) request->require,
                               .require_n = request->require_n,
                               .deadline_us = gather_deadline (call, request),
                               .stall_us = (gint64) MIN (request->stall_us, G_MAXINT64 / 4) };

  for (guint i = 0; i < spec.n_tags; i++)
    tags[i] = wire_span_str (request->tags[i]);
  gather_call->gather = bus_gather_new (call->core, call->peer, call->id, &spec, call->now_us);
}

void
bus_gather_calls_answer (const BusCall *call)
{
  GatherCall *gather_call;

  if (!gather_check_request (call, call->request))
    return;
  gather_call = bus_later_new (call, &gather_kind);
  if (gather_call != NULL)
    gather_begin (call, gather_call);
}

static void
gather_report_given_up (const BusGather *gather)
{
  const BusCore *core = gather->core;
  const BusExcess excess = { BUS_LIMIT_task_bytes, core->limits.task_bytes, core->work->tasks.bytes[BUS_SHELF_LIVE] };

  bus_peer_error_excess (gather->asker, gather->request_id, WIRE_STATUS_SLOW_CONSUMER,
                         "the broker is full, and you read no answer to the question for too long", &excess);
}

void
bus_gather_calls_settle (BusCore *core)
{
  GList *link;

  while ((link = core->work->gathers.done.head) != NULL)
    {
      BusGather *gather = link->data;

      if (gather->is_given_up)
        gather_report_given_up (gather);
      if (gather->excess.most > 0)
        bus_peer_error_excess (gather->asker, gather->request_id, WIRE_STATUS_LIMIT,
                               "the roster has more collectors than one question may ask: name a type or tags",
                               &gather->excess);
      bus_later_cancel (gather->asker, gather->request_id);
    }
}
