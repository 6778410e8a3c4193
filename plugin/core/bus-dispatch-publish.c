/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-dispatch-publish.h"

#include "base/bus-unset.h"
#include "bus-dispatch-run.h"
#include "peer/bus-state.h"
#include "route/bus-assured.h"
#include "route/bus-confirm.h"
#include "route/bus-resend.h"
#include "route/bus-retain.h"
#include "route/bus-routes.h"
#include "work/bus-health-watch.h"
#include "wire-feature.h"
#include "wire-hot.h"

static void
dispatch_acknowledge (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome)
{
  WireEnvelope ack BUS_UNSET;

  if (!(call->frame->flags & WIRE_FLAG_WANT_ACK))
    return;
  wire_envelope_init (&ack);
  ack.answers = call->envelope->id;
  ack.accept_seq = accept_seq;
  ack.matched = outcome.matched;
  ack.queued = outcome.queued;
  ack.refused = outcome.refused;
  if (outcome.refused > 0)
    ack.status = WIRE_STATUS_WOULD_BLOCK;
  bus_peer_put (call->peer, WIRE_KIND_ACK, 0, &ack);
}

/* Counts an accepted message for control.bus.introspect. */
static void
dispatch_count_topic (const DispatchCall *call, BusMatch *match)
{
  bus_topics_count (&call->core->routes->topics, &match->counter, match->key, call->envelope, call->now_us);
}

static gboolean
dispatch_is_numbered (const DispatchCall *call)
{
  return call->envelope->message_id != 0 && (call->peer->features & WIRE_FEATURE_DELIVERY) != 0;
}

/* Answers a resend like the first message. It is not delivered again. */
static void
dispatch_answer_resend (const DispatchCall *call, BusAccepted *accepted)
{
  if ((call->frame->flags & WIRE_FLAG_WANT_DELIVERED) && !dispatch_may_wait (call))
    return;
  dispatch_acknowledge (call, accepted->accept_seq, accepted->outcome);
  if (call->frame->flags & WIRE_FLAG_WANT_DELIVERED)
    bus_confirm_continue (&accepted->witness, call->peer, call->envelope->id);
}

/* FALSE: the message is answered, because it is a resend, or its number cannot be remembered. */
static gboolean
dispatch_check_number (const DispatchCall *call)
{
  BusAccepted *accepted;
  BusExcess excess;

  if (!dispatch_is_numbered (call))
    return TRUE;
  if (!bus_resend_open (call->peer))
    {
      dispatch_fail_limit (call, BUS_LIMIT_resend_windows, call->core->limits.resend_windows + 1);
      return FALSE;
    }
  accepted = bus_resend_find (call->peer, call->envelope->message_id);
  if (accepted != NULL)
    dispatch_answer_resend (call, accepted);
  else if (bus_resend_has_room (call->peer, call->now_us, &excess))
    return TRUE;
  else
    dispatch_fail_excess (call, "there is no room to remember the number of the message; it was not published",
                          &excess);
  return FALSE;
}

/* @confirm: (nullable) */
static void
dispatch_note_accepted (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm)
{
  dispatch_acknowledge (call, accept_seq, outcome);
  if (dispatch_is_numbered (call))
    bus_resend_add (call->peer, call->envelope->message_id, accept_seq, outcome, confirm);
}

/* FALSE: refused and answered. @confirm: (out): NULL: the publisher does not wait for a confirmation */
static gboolean
dispatch_begin_confirm (const DispatchCall *call, BusConfirm **confirm)
{
  *confirm = NULL;
  if (!(call->frame->flags & WIRE_FLAG_WANT_DELIVERED))
    return TRUE;
  if (!dispatch_may_wait (call))
    return FALSE;
  *confirm = bus_confirm_new (call->core, call->peer, call->envelope->id, dispatch_due_us (call));
  return TRUE;
}

static void
dispatch_publish_direct (DispatchCall *call, BusMatch *match)
{
  BusPeer *target = dispatch_find_target (call);
  guint64 route_id = 0;
  BusConfirm *confirm;
  BusInbound inbound BUS_UNSET;
  BusOutcome outcome;

  if (target == NULL)
    {
      dispatch_fail (call, WIRE_STATUS_ABSENT, "the target is not connected");
      return;
    }
  if (!bus_router_is_subscribed (call->core, target, call->envelope))
    {
      dispatch_fail (call, WIRE_STATUS_NOT_SUBSCRIBED, "the target neither subscribes to nor serves this topic");
      return;
    }
  if (!dispatch_begin_confirm (call, &confirm))
    return;
  if (confirm != NULL)
    route_id = bus_confirm_add (confirm, target);
  dispatch_inbound (call, &inbound);
  dispatch_count_topic (call, match);
  outcome = bus_router_direct (call->core, &inbound, target, route_id, call->now_us);
  dispatch_note_accepted (call, inbound.accept_seq, outcome, confirm);
  dispatch_record_outcome (call, inbound.accept_seq, outcome);
  bus_confirm_expect (call->core, route_id, outcome.queued);
  dispatch_release_inbound (call, &inbound);
}

static void
dispatch_answer_refusal (const DispatchCall *call, const BusRefusal *refusal)
{
  if (refusal->status == WIRE_STATUS_LIMIT)
    {
      dispatch_fail_excess (call, "there is no room to keep or hold the message until it is handled: try again later",
                            &refusal->excess);
    }
  else
    dispatch_fail (call, refusal->status, "no group has a member for this topic");
}

/* Checked before the message is accepted: a message that cannot be retained is not published. */
static gboolean
dispatch_may_retain (const DispatchCall *call)
{
  const WireEnvelope *envelope = call->envelope;
  BusExcess excess;

  if (envelope->payload.len == 0 || bus_retain_has_room (call->peer, envelope->topic, call->frame->body.len, &excess))
    return TRUE;
  dispatch_fail_excess (call, "there is no room to retain the message; it was not published", &excess);
  return FALSE;
}

/* FALSE: there is no memory. */
static gboolean
dispatch_retain (const DispatchCall *call, BusInbound *inbound)
{
  if (call->envelope->payload.len > 0)
    return bus_retain_store (call->peer, inbound, (call->envelope->delivery & WIRE_DELIVERY_RETAIN_CONNECTED) != 0);
  bus_retain_clear (call->core, call->envelope->topic);
  return TRUE;
}

/* The message was published without being retained. Its number is remembered, so that a resend is not published again. */
static void
dispatch_note_unretained (const DispatchCall *call, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm)
{
  dispatch_fail (call, WIRE_STATUS_NO_MEMORY, "the message was published, but there is no memory to retain it");
  if (dispatch_is_numbered (call))
    bus_resend_add (call->peer, call->envelope->message_id, accept_seq, outcome, confirm);
}

static gboolean
dispatch_wants_hold (const DispatchCall *call)
{
  return (call->envelope->delivery & WIRE_DELIVERY_HOLD) != 0;
}

/* Publishes a message that is delivered at least once, confirmed by the groups that match, or held for a group without members. */
static void
dispatch_publish_assured (DispatchCall *call, BusMatch *match)
{
  BusAssurance assurance = { .at_least_once = (call->envelope->delivery & WIRE_DELIVERY_AT_LEAST_ONCE) != 0,
                             .may_hold = dispatch_wants_hold (call),
                             .publisher = call->peer };
  gboolean retain = (call->frame->flags & WIRE_FLAG_RETAIN) != 0;
  BusRefusal refusal;
  BusInbound inbound BUS_UNSET;
  BusOutcome outcome;

  if ((retain && !dispatch_may_retain (call)) || !dispatch_begin_confirm (call, &assurance.confirm))
    return;
  dispatch_inbound (call, &inbound);
  outcome = bus_assured_publish (call->core, &inbound, match, &assurance, &refusal, call->now_us);
  if (refusal.status != WIRE_STATUS_OK)
    {
      call->core->routes->accept_seq--; /* it was delivered to no receiver: its number is used again */
      if (assurance.confirm != NULL)
        bus_confirm_cancel (call->peer, call->envelope->id);
      dispatch_answer_refusal (call, &refusal);
    }
  else
    {
      dispatch_count_topic (call, match);
      if (retain && !dispatch_retain (call, &inbound))
        dispatch_note_unretained (call, inbound.accept_seq, outcome, assurance.confirm);
      else
        dispatch_note_accepted (call, inbound.accept_seq, outcome, assurance.confirm);
      dispatch_record_outcome (call, inbound.accept_seq, outcome);
    }
  dispatch_release_inbound (call, &inbound);
}

static void
dispatch_publish_to_all (DispatchCall *call, BusMatch *match)
{
  gboolean broadcast = (call->frame->flags & WIRE_FLAG_BROADCAST) != 0;
  gboolean retain = (call->frame->flags & WIRE_FLAG_RETAIN) != 0;
  BusInbound inbound BUS_UNSET;
  BusOutcome outcome;

  if (retain && !dispatch_may_retain (call))
    return;
  dispatch_inbound (call, &inbound);
  inbound.domain = match->domain;
  if (retain && !dispatch_retain (call, &inbound))
    {
      call->core->routes->accept_seq--; /* it was not routed yet: its number is used again */
      bus_inbound_clear (&inbound);
      dispatch_fail (call, WIRE_STATUS_NO_MEMORY, "no memory to retain the message; it was not published");
      return;
    }
  dispatch_count_topic (call, match);
  outcome = bus_router_publish (call->core, &inbound, match, broadcast, call->now_us);
  dispatch_note_accepted (call, inbound.accept_seq, outcome, NULL);
  dispatch_record_outcome (call, inbound.accept_seq, outcome);
  dispatch_release_inbound (call, &inbound);
}

/* Checks grammar and right, and returns the receivers of the topic. The result is remembered in the peer, because its next
 * message mostly has the same topic. NULL: refused and answered. */
static BusMatch *
dispatch_match_allowed (const DispatchCall *call)
{
  BusPeer *peer = call->peer;
  WireSpan topic = call->envelope->topic;
  BusMatchCache *matches = &call->core->routes->matches;
  gboolean is_recent = peer->recent_match != NULL && peer->recent_generation == matches->generation
                       && peer->recent_match->serial == peer->recent_serial
                       && wire_span_equal (peer->recent_match->key.text, topic);
  BusMatch *match;

  if (is_recent && bus_match_is_current (matches, peer->recent_match))
    return peer->recent_match;
  match = is_recent ? NULL : bus_match_find (matches, dispatch_key (call));
  if (!is_recent && (match == NULL || match->publisher != peer->serial)
      && (!dispatch_check_topic (call) || !dispatch_authorize (call, BUS_OP_PUBLISH, topic)))
    return NULL;
  if (match == NULL || !bus_match_is_current (matches, match))
    match = bus_router_match (call->core, topic);
  match->publisher = peer->serial;
  peer->recent_match = match;
  peer->recent_generation = matches->generation;
  peer->recent_serial = match->serial;
  return match;
}

/* A held message ends with its time to live, so it needs one. */
static gboolean
dispatch_check_hold (const DispatchCall *call)
{
  if (!dispatch_wants_hold (call))
    return TRUE;
  if (call->envelope->target.len > 0 || (call->frame->flags & WIRE_FLAG_BROADCAST))
    dispatch_strike (call, "bit 2 of delivery is for a message without a target and without BROADCAST");
  else if (dispatch_expires_us (call) == 0)
    dispatch_fail (call, WIRE_STATUS_BAD_MESSAGE,
                   "a message that may be held needs a time to live that ends: set ttl_us, below 2^62");
  else
    return TRUE;
  return FALSE;
}

static gboolean
dispatch_check_retain (const DispatchCall *call)
{
  if ((call->frame->flags & WIRE_FLAG_RETAIN) && call->envelope->target.len > 0)
    {
      dispatch_strike (call, "RETAIN is for a message without a target");
      return FALSE;
    }
  if ((call->envelope->delivery & WIRE_DELIVERY_RETAIN_CONNECTED) && !(call->frame->flags & WIRE_FLAG_RETAIN))
    {
      dispatch_strike (call, "bit 4 of delivery needs the flag RETAIN");
      return FALSE;
    }
  return TRUE;
}

static gboolean
dispatch_is_assured (const DispatchCall *call)
{
  return (call->frame->flags & WIRE_FLAG_WANT_DELIVERED)
         || (call->envelope->delivery & (WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_HOLD));
}

/* Chooses the route by target, assurance and flags. */
static void
dispatch_publish (DispatchCall *call, BusMatch *match)
{
  if (call->envelope->target.len > 0)
    dispatch_publish_direct (call, match);
  else if (dispatch_is_assured (call) && (call->frame->flags & WIRE_FLAG_BROADCAST))
    dispatch_strike (call, "a BROADCAST is neither confirmed nor delivered at least once");
  else if (dispatch_is_assured (call))
    dispatch_publish_assured (call, match);
  else
    dispatch_publish_to_all (call, match);
}

/* The checks of fields and flags that a plain message does not have. */
static gboolean
dispatch_check_special (DispatchCall *call)
{
  return dispatch_check_hold (call) && dispatch_check_retain (call) && dispatch_check_number (call)
         && dispatch_admit_lineage (call);
}

WIRE_HOT void
dispatch_handle_publish (DispatchCall *call)
{
  const gboolean is_plain = dispatch_is_plain (call);
  BusHealthReading reading;
  BusMatch *match;

  if (!dispatch_check_id (call) || !dispatch_check_payload (call) || (match = dispatch_match_allowed (call)) == NULL
      || (!is_plain && !dispatch_check_special (call)) || (is_plain && dispatch_begin_run (call, match)))
    return;
  /* The payload is read before routing, which may move it into queues. The events about it are published afterwards, because they
   * may change the cache of matches. */
  reading = bus_health_report_read (call->peer, call->envelope->topic, call->envelope->payload);
  if (G_LIKELY (is_plain))
    dispatch_publish_to_all (call, match);
  else
    dispatch_publish (call, match);
  bus_health_watch_reported (call->peer, reading);
}
