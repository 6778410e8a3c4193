/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-router.h"
#include "route/bus-timeline.h"

#define BUS_STRIKES_MAX 16u

/*
 * One frame that is being dispatched, with the steps that several handlers share: refusals, the checks that every
 * message passes, its acceptance, and its record in the timeline.
 *
 * A step that refuses the frame answers it, too: its caller returns without another answer. A frame is accepted by
 * dispatch_inbound(), which gives it a place in the order of the broker. Only bus-dispatch*.[ch] include this header.
 */
typedef struct
{
  BusPeer *peer;
  BusCore *core;
  WireFrame *frame;
  const WireEnvelope *envelope;
  WireClassOf class_of;
  gsize cost;             /* of its credit */
  gboolean is_held;       /* a receiver that blocks returns the credit later */
  gboolean leaves_record; /* in the timeline, with any outcome */
  guint32 depth;          /* for that record */
  gint64 now_us;
} DispatchCall;

/* The record of the frame in the timeline, if it leaves one. */
void dispatch_record (const DispatchCall *call, const BusFate *fate);
void dispatch_add_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome);

/* Inline, as the next one: most frames leave no record, and should cost one comparison. */
static inline void
dispatch_record_outcome (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  if (G_UNLIKELY (call->leaves_record))
    dispatch_add_outcome (call, accept_seq, outcome);
}

BusOutcome dispatch_outcome_of (guint matched, guint queued);

/* Refusals. A strike is a frame that the broker does not understand: BUS_STRIKES_MAX of them close the connection. Malformed
 * bytes close it at once. */
void dispatch_fail (const DispatchCall *call, WireStatus status, const char *detail);
/* A field of the frame exceeds its bound, which no setting raises. */
/* The same for a limit, which the answer names. */
void dispatch_fail_limit (const DispatchCall *call, BusLimit limit, guint64 value);
/* The same for a bound that was exceeded. */
void dispatch_fail_excess (const DispatchCall *call, const char *detail, const BusExcess *excess);
void dispatch_fail_field (const DispatchCall *call, const WireReadResult *result);
void dispatch_strike (const DispatchCall *call, const char *detail);
void dispatch_malformed (BusPeer *peer, WireStatus status, const char *problem, gsize offset);

/* Checks. FALSE: the frame is refused and answered. dispatch_admit_lineage() refuses a message for its causes. */
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

/* A message without anything that needs a feature, an answer or a check of its own. */
static inline gboolean
dispatch_is_plain (const DispatchCall *call)
{
  return call->frame->flags == 0 && wire_envelope_is_plain_publish (call->envelope);
}

static inline gboolean
dispatch_admit_lineage (DispatchCall *call)
{
  if (G_LIKELY (call->envelope->depth == 0 && !bus_timeline_wants (call->envelope)))
    return TRUE;
  return dispatch_check_causes (call);
}

/* The message accepted: from here on it has a sender, a place in the order, and a time. */
void dispatch_inbound (const DispatchCall *call, BusInbound *inbound);
/* From here on its credit is withheld by tickets, if a receiver blocks. */
void dispatch_release_inbound (DispatchCall *call, BusInbound *inbound);
BusPeer *dispatch_find_target (const DispatchCall *call);
/* The end of the time to live; 0: there is none, or it is too far away to matter. */
gint64 dispatch_expires_us (const DispatchCall *call);
/* The requested deadline, or the default; at most max_request_timeout_us. */
gint64 dispatch_due_us (const DispatchCall *call);
