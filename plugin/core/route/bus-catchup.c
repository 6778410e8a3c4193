/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-catchup.h"

#include "base/bus-unset.h"
#include "peer/bus-state.h"
#include "queue/bus-flow-retained.h"
#include "queue/bus-lane.h"
#include "route/bus-routes.h"
#include "wire-feature.h"

#define ROOM_FOR_VALUE 8192u /* memory for a segment of the out-queue, besides the message */
#define AHEAD          8u    /* values ahead: loads the message */
#define AHEAD_BYTES    256u  /* of a message: the members that a delivery reads, and a small body */

struct BusCursor
{
  GList link; /* in the list of cursors of its peer, unless it waits for credit */
  gboolean is_listed;
  BusSubscription *subscription;
  guint64 at;        /* accept sequence of the place that it visited last */
  guint64 until;     /* values accepted later are live messages of the subscription */
  guint place;       /* number of the next place; valid while `moves` is that of the store */
  guint64 moves;     /* of the store, when `place` was found */
  WireSpan prefix;   /* of a pattern PREFIX#, which matches every topic that begins with it; empty: another pattern */
  gboolean is_exact; /* the pattern is a topic */
};

typedef enum
{
  STEP_DONE, /* no value is left, and the end is encoded */
  STEP_NO_CREDIT,
  STEP_NO_ROOM, /* in the lane of the value */
  STEP_NO_MEMORY,
  STEP_CONTINUES, /* more values may be ahead */
} CatchupStep;

/* --- the cursors of a peer --- */

static void
catchup_list (BusCursor *cursor)
{
  if (cursor->is_listed)
    return;
  cursor->is_listed = TRUE;
  g_queue_push_tail_link (&bus_peer_need_extra (cursor->subscription->owner)->cursors, &cursor->link);
}

static void
catchup_unlist (BusCursor *cursor)
{
  BusPeer *peer = cursor->subscription->owner;

  if (!cursor->is_listed)
    return;
  cursor->is_listed = FALSE;
  g_queue_unlink (&peer->extra->cursors, &cursor->link);
  if (peer->extra->cursors.head == NULL)
    bus_deadline_disarm (&peer->core->deadlines, &peer->extra->catchup_timer.deadline);
}

void
bus_catchup_end (BusSubscription *subscription)
{
  BusPeer *peer = subscription->owner;
  BusCursor *cursor = subscription->cursor;

  if (cursor == NULL)
    return;
  catchup_unlist (cursor);
  subscription->cursor = NULL;
  bus_quota_unkeep (&peer->core->quota, &peer->ledger.usage, sizeof (BusCursor));
  g_free (cursor);
}

/* --- one value --- */

static const BusRetainOrder *
catchup_order (const BusCursor *cursor)
{
  return &cursor->subscription->owner->core->routes->retained.order;
}

/* The number of the next place in the store. */
static guint
catchup_place (BusCursor *cursor)
{
  const BusRetainOrder *order = catchup_order (cursor);

  if (cursor->moves != order->moves)
    {
      cursor->place = bus_retain_order_after (order, cursor->at);
      cursor->moves = order->moves;
    }
  return cursor->place;
}

/* The number of the place of the only value that a pattern without wildcards can match. */
static guint
catchup_exact_place (const BusCursor *cursor)
{
  const BusSubscription *subscription = cursor->subscription;
  const BusCore *core = subscription->owner->core;
  const BusRetained *value
      = bus_retain_store_find (&core->routes->retained, core->seed, bus_subscription_pattern (subscription));

  return value != NULL ? bus_retain_order_after (catchup_order (cursor), value->message->accept_seq - 1)
                       : catchup_order (cursor)->end;
}

/* The next place of the store, which may be empty, whether or not the subscription gets its value. NULL: none is left. */
static const BusRetainPlace *
catchup_next (BusCursor *cursor)
{
  const BusRetainOrder *order = catchup_order (cursor);
  const guint at = G_UNLIKELY (cursor->is_exact) ? catchup_exact_place (cursor) : catchup_place (cursor);
  const BusRetainPlace *place = at < order->end ? &order->places[at] : NULL;

  return place != NULL && place->accept_seq > cursor->at && place->accept_seq <= cursor->until ? place : NULL;
}

/* Loads what the delivery of a message reads. The message of an empty place is NULL. */
G_ALWAYS_INLINE static inline void
catchup_load (const BusMessage *message)
{
  if (message == NULL)
    return;

  const char *start = (const char *) message + G_STRUCT_OFFSET (BusMessage, body);

  for (gsize at = 0; at < AHEAD_BYTES; at += BUS_CACHE_LINE)
    __builtin_prefetch (start + at);
}

/* Messages are usually not in the processor's cache. While the value of the next place is encoded, loads a later message. */
G_ALWAYS_INLINE static inline void
catchup_load_ahead (const BusCursor *cursor)
{
  const BusRetainOrder *order = catchup_order (cursor);

  if (cursor->moves == order->moves && order->end > AHEAD && cursor->place < order->end - AHEAD)
    catchup_load (order->places[cursor->place + AHEAD].message);
}

/* Loads the first messages, for which no earlier value gives time. */
static void
catchup_load_first (BusCursor *cursor)
{
  const BusRetainOrder *order = catchup_order (cursor);
  const guint first = catchup_place (cursor);

  for (guint at = first; at < order->end && at < first + AHEAD; at++)
    catchup_load (order->places[at].message);
}

static gboolean
catchup_passes_filter (const BusSubscription *subscription, const BusMessage *message)
{
  WireEnvelope envelope BUS_UNSET; /* set by wire_envelope_read() */

  return wire_envelope_read (message->body, WIRE_KIND_PUBLISH, WIRE_FROM_CLIENT, &envelope).status == WIRE_STATUS_OK
         && bus_filter_passes (subscription->filter, &envelope);
}

static gboolean
catchup_begins_with (WireSpan text, WireSpan prefix)
{
  return prefix.len > 0 && text.len > prefix.len && memcmp (text.data, prefix.data, prefix.len) == 0;
}

static gboolean
catchup_may_receive (const BusPeer *peer, const BusRetainPlace *place)
{
  return place->is_public || bus_policy_authorize (&peer->principal, BUS_OP_DELIVER, place->message->topic).allowed;
}

static gboolean
catchup_wants (const BusCursor *cursor, const BusRetainPlace *place)
{
  const BusSubscription *subscription = cursor->subscription;
  const BusMessage *message = place->message;

  return (catchup_begins_with (message->topic, cursor->prefix)
          || bus_retain_matches (bus_subscription_pattern (subscription), message->topic))
         && catchup_may_receive (subscription->owner, place)
         && (subscription->filter == NULL || catchup_passes_filter (subscription, message));
}

/* Only compares with the limit: no waiting message is dropped to make room for a retained one. */
static gboolean
catchup_has_memory (const BusPeer *peer, const BusRetainedStep *step, const BusMessage *message)
{
  return peer->account->usage.charged + bus_flow_retained_uncharged (step) + message->body.len + ROOM_FOR_VALUE
         <= peer->core->limits.uid_bytes;
}

static CatchupStep
catchup_deliver (const BusPeer *peer, BusRetainedStep *step, const BusRetainPlace *place)
{
  BusMessage *message = place->message;

  if (!bus_flow_retained_has_credit (step))
    return STEP_NO_CREDIT;
  if (step->room[message->class_of.lane] == 0)
    return STEP_NO_ROOM;
  if (!catchup_has_memory (peer, step, message) || !bus_flow_retained_put (step, message, place->accept_seq))
    return STEP_NO_MEMORY;
  peer->core->routes->retained.delivered++;
  return STEP_CONTINUES;
}

/* Visits the next place, or sends the end of the retained messages.
 *
 * A late subscriber needs to know when it has all retained values: then it can show a complete state, or conclude that a value
 * does not exist. The number of values can't be announced in advance, because values may be replaced, cleared or denied while the
 * cursor moves. So the last thing that a cursor sends is the end: a DELIVER without a message.
 *
 * The cursor is at its end when no value is left up to `until`, the accept sequence of the subscribe request. A value that
 * replaced another one since then has a higher sequence. It is not visited here, because it has reached the FIFO of the
 * subscription as a live message. The FIFO is resumed only after the cursor has ended (catchup_run_one()), so every live message
 * follows the end.
 *
 * The end needs no credit, because it contains no message, and no room in the lane: it is one small frame for each subscription.
 * If there is no memory for it, the cursor stays and a timer tries again; without the end, the subscription would wait forever. */
static CatchupStep
catchup_step (BusCursor *cursor, BusRetainedStep *run)
{
  const BusRetainPlace *place = catchup_next (cursor);
  CatchupStep step = STEP_CONTINUES;

  if (place == NULL)
    {
      bus_flow_retained_end (run); /* nothing else uses the queue before its values are counted */
      return bus_flow_encode_retained_end (run->flow, cursor->subscription) ? STEP_DONE : STEP_NO_MEMORY;
    }
  catchup_load_ahead (cursor);
  if (place->value != NULL && catchup_wants (cursor, place) && !bus_message_is_expired (place->message, run->now_us))
    step = catchup_deliver (cursor->subscription->owner, run, place);
  if (step != STEP_CONTINUES)
    return step;
  cursor->at = place->accept_seq;
  cursor->place++;
  return STEP_CONTINUES;
}

/* --- many values --- */

/* Visits places until @budget is used up, or the cursor has to wait. */
static CatchupStep
catchup_run (BusCursor *cursor, guint *budget, gint64 now_us)
{
  BusSubscription *subscription = cursor->subscription;
  BusRetainedStep run BUS_UNSET; /* set by bus_flow_retained_begin() */
  CatchupStep step = STEP_CONTINUES;

  catchup_load_first (cursor);
  bus_flow_retained_begin (&run, &subscription->owner->flow, subscription, now_us);
  while (step == STEP_CONTINUES && *budget > 0)
    {
      step = catchup_step (cursor, &run);
      *budget -= 1;
    }
  bus_flow_retained_end (&run);
  return step;
}

/* Moves one cursor. TRUE: it has moved, or has left the list, so another call makes progress with the others. */
static gboolean
catchup_run_one (BusCursor *cursor, guint *budget, gint64 now_us)
{
  BusSubscription *subscription = cursor->subscription;
  BusFlow *flow = &subscription->owner->flow;
  const guint64 at = cursor->at;

  switch (catchup_run (cursor, budget, now_us))
    {
    case STEP_DONE:
      bus_catchup_end (subscription);
      bus_flow_resume (flow, subscription, now_us);
      return TRUE;
    case STEP_NO_CREDIT:
      catchup_unlist (cursor);
      return TRUE;
    case STEP_NO_MEMORY:
      bus_lane_retry (flow, now_us);
      break;
    case STEP_NO_ROOM:
    case STEP_CONTINUES:
      break;
    }
  return cursor->at != at;
}

/* Moves the cursors of the peer, by at most @budget places. */
static void
catchup_continue (BusPeer *peer, guint budget, gint64 now_us)
{
  gboolean is_moving = FALSE;

  if (!bus_peer_is_ready (peer))
    return;
  for (guint n = bus_peer_extra (peer)->cursors.length; n > 0 && budget > 0; n--)
    {
      GList *link = g_queue_pop_head_link (&peer->extra->cursors);

      g_queue_push_tail_link (&peer->extra->cursors, link);
      is_moving = catchup_run_one (link->data, &budget, now_us) || is_moving;
    }
  if (budget == 0 && is_moving && bus_peer_extra (peer)->cursors.head != NULL)
    bus_deadline_arm (&peer->core->deadlines, &peer->extra->catchup_timer.deadline,
                      now_us + 1); /* not in the same tick */
  bus_peer_touch (peer);
}

void
bus_catchup_continue (BusPeer *peer, gint64 now_us)
{
  catchup_continue (peer, BUS_CATCHUP_STEP, now_us);
}

void
bus_catchup_begin (BusPeer *peer, gint64 now_us)
{
  catchup_continue (peer, BUS_CATCHUP_FIRST, now_us);
}

void
bus_catchup_credit (BusSubscription *subscription, gint64 now_us)
{
  BusPeer *peer = subscription->owner;

  catchup_list (subscription->cursor);
  if (bus_outq_bytes (&peer->flow.outq) == 0)
    bus_catchup_continue (peer, now_us);
}

/* --- the beginning of a cursor --- */

static gboolean
catchup_is_wanted (const BusSubscription *subscription, gboolean is_exact)
{
  const BusPeer *peer = subscription->owner;
  const BusRetainStore *store = &peer->core->routes->retained;

  if (subscription->group != NULL || subscription->serves || !(peer->features & WIRE_FEATURE_RETAIN))
    return FALSE;
  return is_exact ? bus_retain_store_find (store, peer->core->seed, bus_subscription_pattern (subscription)) != NULL
                  : store->order.n > 0;
}

static gboolean
catchup_is_exact (WireSpan pattern)
{
  return memchr (pattern.data, '+', pattern.len) == NULL && memchr (pattern.data, '#', pattern.len) == NULL;
}

/* The part in front of `#`, for a pattern whose only wildcard is `#` at its end. Otherwise empty. */
static WireSpan
catchup_prefix (WireSpan pattern)
{
  const WireSpan none = { NULL, 0 };

  if (pattern.len < 3 || pattern.data[pattern.len - 1] != '#'
      || !catchup_is_exact (wire_span (pattern.data, pattern.len - 1)))
    return none;
  return wire_span (pattern.data, pattern.len - 1);
}

gboolean
bus_catchup_start (BusSubscription *subscription, guint64 accept_seq)
{
  BusPeer *peer = subscription->owner;
  gboolean is_exact = catchup_is_exact (bus_subscription_pattern (subscription));
  BusCursor *cursor;

  if (!catchup_is_wanted (subscription, is_exact))
    return FALSE;
  cursor = g_new0 (BusCursor, 1);
  cursor->link.data = cursor;
  cursor->subscription = subscription;
  cursor->until = accept_seq;
  cursor->is_exact = is_exact;
  cursor->prefix = catchup_prefix (bus_subscription_pattern (subscription));
  subscription->cursor = cursor;
  catchup_list (cursor);
  bus_quota_keep (&peer->core->quota, &peer->ledger.usage, sizeof (BusCursor));
  return TRUE;
}
