/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch-call.h"

#include "base/bus-probe.h"
#include "calls/bus-later.h"
#include "news/bus-cascade.h"
#include "peer/bus-state.h"
#include "route/bus-confirm.h"
#include "route/bus-lineage.h"
#include "route/bus-request.h"
#include "route/bus-routes.h"
#include "wire-topic.h"

void
dispatch_record (const DispatchCall *call, const BusFate *fate)
{
  if (call->leaves_record)
    bus_timeline_add (&call->core->routes->timeline, call->peer->id, call->frame->kind, call->frame->body.len,
                      call->envelope, call->depth, fate, call->now_us + call->core->wall_us);
}

void
dispatch_add_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  const BusFate fate = { accept_seq, outcome.refused > 0 ? WIRE_STATUS_WOULD_BLOCK : WIRE_STATUS_OK, outcome.matched,
                         outcome.queued, outcome.refused };

  dispatch_record (call, &fate);
}

BusOutcome
dispatch_outcome_of (guint matched, guint queued)
{
  return (BusOutcome){ .matched = matched, .queued = queued, .refused = matched - queued };
}

void
dispatch_fail (const DispatchCall *call, WireStatus status, const char *detail)
{
  dispatch_record (call, &(const BusFate){ .status = status });
  bus_peer_error (call->peer, call->envelope->id, status, detail);
}

void
dispatch_fail_limit (const DispatchCall *call, BusLimit limit, guint64 value)
{
  dispatch_record (call, &(const BusFate){ .status = WIRE_STATUS_LIMIT });
  bus_peer_error_limit (call->peer, call->envelope->id, limit, value);
}

void
dispatch_fail_excess (const DispatchCall *call, const char *detail, const BusExcess *excess)
{
  dispatch_record (call, &(const BusFate){ .status = WIRE_STATUS_LIMIT });
  bus_peer_error_excess (call->peer, call->envelope->id, WIRE_STATUS_LIMIT, detail, excess);
}

void
dispatch_fail_field (const DispatchCall *call, const WireReadResult *result)
{
  WireEnvelope error;

  wire_envelope_init (&error);
  error.answers = call->envelope->id;
  error.status = result->status;
  error.detail = wire_span_str (result->problem);
  error.limit = result->limit;
  error.value = result->value;
  error.setting = WIRE_SPAN_LITERAL ("none");
  bus_peer_put (call->peer, WIRE_KIND_ERROR, 0, &error);
}

void
dispatch_strike (const DispatchCall *call, const char *detail)
{
  dispatch_fail (call, WIRE_STATUS_UNSUPPORTED, detail);
  if (++call->peer->strikes >= BUS_STRIKES_MAX)
    bus_peer_close (call->peer, WIRE_STATUS_UNSUPPORTED, "too many frames that this broker does not understand");
}

void
dispatch_malformed (BusPeer *peer, WireStatus status, const char *problem, gsize offset)
{
  WireEnvelope error;

  peer->core->malformed++;
  wire_envelope_init (&error);
  error.status = status;
  error.detail = wire_span_str (problem);
  error.offset = offset;
  bus_peer_put (peer, WIRE_KIND_ERROR, 0, &error);
  bus_peer_close (peer, status, problem);
}

gboolean
dispatch_check_causes (DispatchCall *call)
{
  gboolean is_admitted = bus_cascade_admit (call->peer, call->envelope, &call->depth, call->now_us);

  call->leaves_record = bus_timeline_wants (call->envelope);
  if (!is_admitted)
    dispatch_record (call, &(const BusFate){ .status = WIRE_STATUS_CASCADE });
  return is_admitted;
}

gboolean
dispatch_authorize (const DispatchCall *call, BusRight operation, WireSpan topic)
{
  return bus_peer_may (call->peer, call->envelope->id, operation, topic);
}

gboolean
dispatch_check_topic (const DispatchCall *call)
{
  WireTopicCheck check = wire_topic_check (call->envelope->topic, &call->core->topic_limits);

  if (check.status != WIRE_STATUS_OK)
    dispatch_fail (call, check.status, check.problem);
  return check.status == WIRE_STATUS_OK;
}

gboolean
dispatch_refuse_payload (const DispatchCall *call)
{
  dispatch_fail_limit (call, BUS_LIMIT_max_payload, call->envelope->payload.len);
  return FALSE;
}

gboolean
dispatch_refuse_id (const DispatchCall *call)
{
  dispatch_malformed (call->peer, WIRE_STATUS_BAD_MESSAGE, "id must be above zero", 0);
  return FALSE;
}

/* Sets field by field, because clearing the whole struct first costs more. */
void
dispatch_inbound (const DispatchCall *call, BusInbound *inbound)
{
  inbound->frame = *call->frame;
  inbound->reader = &call->peer->input->reader;
  inbound->envelope = call->envelope;
  inbound->copy_max = BUS_OUTQ_COPY_MAX;
  inbound->expires_us = call->frame->kind == WIRE_KIND_PUBLISH ? dispatch_expires_us (call) : 0;
  inbound->traced_us = call->envelope->want_hops ? call->now_us : 0;
  inbound->class_of = call->class_of;
  inbound->domain = 0;
  inbound->quota = &call->core->quota;
  inbound->publisher = &call->peer->ledger;
  inbound->credit_bytes = call->cost;
  inbound->kept = NULL;
  inbound->ticket = NULL;
  bus_inbound_stamp (inbound, call->peer->key.text, ++call->core->routes->accept_seq,
                     call->now_us + call->core->wall_us);
  BUS_PROBE4 (accept, call->peer->id, inbound->accept_seq, call->frame->kind, call->envelope->payload.len);
}

BusPeer *
dispatch_find_target (const DispatchCall *call)
{
  BusKey key = bus_key (call->core->seed, call->envelope->target);
  BusPeer *target = g_hash_table_lookup (call->core->peers_by_id, &key);

  return target != NULL && bus_peer_is_ready (target) ? target : NULL;
}

gint64
dispatch_expires_us (const DispatchCall *call)
{
  guint64 ttl_us = call->envelope->ttl_us;

  return ttl_us > 0 && ttl_us < G_MAXINT64 / 2 ? call->now_us + (gint64) ttl_us : 0;
}

gint64
dispatch_due_us (const DispatchCall *call)
{
  guint64 asked_us = call->envelope->deadline_us;

  if (asked_us == 0)
    asked_us = call->core->limits.request_timeout_us;
  if (call->frame->kind == WIRE_KIND_REQUEST && call->envelope->ttl_us > 0)
    asked_us = MIN (asked_us, call->envelope->ttl_us);
  return call->now_us + (gint64) MIN (asked_us, call->core->limits.max_request_timeout_us);
}

gboolean
dispatch_may_wait (const DispatchCall *call)
{
  guint pending = bus_peer_pending (call->peer);

  if (pending >= call->core->limits.max_pending_requests)
    {
      dispatch_fail_limit (call, BUS_LIMIT_max_pending_requests, pending + 1);
      return FALSE;
    }
  if (bus_request_find_asked (call->peer, call->envelope->id) != NULL
      || bus_confirm_is_pending (call->peer, call->envelope->id)
      || bus_later_is_pending (call->peer, call->envelope->id))
    {
      dispatch_fail (call, WIRE_STATUS_DUPLICATE_ID, "a request with this id is pending: use each id once");
      return FALSE;
    }
  return TRUE;
}

void
dispatch_release_inbound (DispatchCall *call, BusInbound *inbound)
{
  call->is_held = inbound->ticket != NULL;
  bus_inbound_clear (inbound);
}
