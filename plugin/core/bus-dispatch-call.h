/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-preread.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-router.h"
#include "route/bus-timeline.h"

#define BUS_STRIKES_MAX 16u

/*
 * One frame that is being dispatched, with the steps that several handlers share: refusals, checks, the acceptance of a message,
 * and its record in the timeline.
 *
 * A message is accepted by dispatch_inbound(), which gives it an accept sequence: its place in the order of the broker. Only
 * bus-dispatch*.[ch] include this header.
 *
 * Invariant: a step that refuses the frame also answers it, so its caller returns without another answer.
 */
typedef struct
{
  BusPeer *peer;
  BusCore *core;
  WireFrame *frame;
  const WireEnvelope *envelope;
  const BusPreread *preread; /* values of this frame, if its member body is the body of the frame */
  WireClassOf class_of;
  gsize cost;             /* bytes of publish credit that the frame costs */
  gboolean is_held;       /* the credit is returned later: a receiver under the policy block holds it */
  gboolean leaves_record; /* in the timeline, also when it is refused */
  guint32 depth;          /* of the message, for that record */
  gint64 now_us;
} DispatchCall;

/* Adds the record of the frame to the timeline, if it leaves one. */
void dispatch_record (const DispatchCall *call, const BusFate *fate);
void dispatch_add_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome);

/* Inline: most frames leave no record, and cost only this comparison. */
static inline void
dispatch_record_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  if (G_UNLIKELY (call->leaves_record))
    dispatch_add_outcome (call, accept_seq, outcome);
}

BusOutcome dispatch_outcome_of (guint matched, guint queued);

/* Refusals: each answers with ERROR. A strike is a frame that the broker does not understand: BUS_STRIKES_MAX of them close the
 * connection. Malformed bytes close it at once. */
void dispatch_fail (const DispatchCall *call, WireStatus status, const char *detail);
/* The same when a limit is exceeded, which the answer names. */
void dispatch_fail_limit (const DispatchCall *call, BusLimit limit, guint64 value);
/* The same with a detail of its own. */
void dispatch_fail_excess (const DispatchCall *call, const char *detail, const BusExcess *excess);
/* A field of the frame exceeds a bound that no setting raises. */
void dispatch_fail_field (const DispatchCall *call, const WireReadResult *result);
void dispatch_strike (const DispatchCall *call, const char *detail);
void dispatch_malformed (BusPeer *peer, WireStatus status, const char *problem, gsize offset);

/* Checks. FALSE: the frame is refused and answered. dispatch_check_causes() refuses a message that is too deep in a chain of
 * causes, or among its own causes (news/bus-cascade). */
gboolean dispatch_check_causes (DispatchCall *call);
gboolean dispatch_authorize (const DispatchCall *call, BusRight operation, WireSpan topic);
gboolean dispatch_check_topic (const DispatchCall *call);
gboolean dispatch_refuse_payload (const DispatchCall *call);
gboolean dispatch_refuse_id (const DispatchCall *call);
gboolean dispatch_may_wait (const DispatchCall *call);

static inline gboolean
dispatch_check_payload (const DispatchCall *call)
{
  return G_LIKELY (call->envelope->payload.len <= call->core->limits.max_payload) || dispatch_refuse_payload (call);
}

static inline gboolean
dispatch_check_id (const DispatchCall *call)
{
  return G_LIKELY (call->envelope->id > 0) || dispatch_refuse_id (call);
}

/* TRUE if no field or flag of the message needs a feature, an answer or a check of its own. */
static inline gboolean
dispatch_is_plain (const DispatchCall *call)
{
  return call->frame->flags == 0 && wire_envelope_is_plain_publish (call->envelope);
}

/* The topic with its hash. */
static inline BusKey
dispatch_key (const DispatchCall *call)
{
  const WireSpan topic = call->envelope->topic;

  if (call->preread->is_hashed && call->preread->body == call->frame->body.data)
    return (BusKey){ call->preread->hash, topic };
  return bus_key (call->core->seed, topic);
}

static inline gboolean
dispatch_admit_lineage (DispatchCall *call)
{
  if (G_LIKELY (call->envelope->depth == 0 && !bus_timeline_wants (call->envelope)))
    return TRUE;
  return dispatch_check_causes (call);
}

/* Accepts the message: stamps it with sender, accept sequence and time. */
void dispatch_inbound (const DispatchCall *call, BusInbound *inbound);
/* Releases the view of the message. Its credit is held from now on if a receiver under the policy block took its ticket. */
void dispatch_release_inbound (DispatchCall *call, BusInbound *inbound);
BusPeer *dispatch_find_target (const DispatchCall *call);
/* The time at which the message expires; 0: never, or too far away to matter. */
gint64 dispatch_expires_us (const DispatchCall *call);
/* The time until which the sender waits for an answer: as requested, or the default; at most max_request_timeout_us from now. */
gint64 dispatch_due_us (const DispatchCall *call);
