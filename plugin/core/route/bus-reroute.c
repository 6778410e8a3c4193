/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-reroute.h"

#include "peer/bus-state.h"
#include "queue/bus-admit.h"
#include "queue/bus-block.h"
#include "queue/bus-fifo.h"
#include "queue/bus-unsettled.h"
#include "route/bus-confirm.h"
#include "route/bus-hold.h"
#include "route/bus-request.h"
#include "route/bus-routes.h"
#include "route/bus-servers.h"

/* --- messages of a group --- */

/* FALSE: the message has expired, or is for this member alone. */
static gboolean
reroute_may_hand_on (const BusMessage *message, const BusDelivery *delivery, gint64 now_us)
{
  return !delivery->to_each && (message->expires_us == 0 || message->expires_us > now_us);
}

static const BusGroupMatch *
reroute_find_members (BusCore *core, const BusGroup *group, WireSpan topic)
{
  const BusMatch *match = bus_router_match (core, topic);

  for (guint i = 0; i < match->n_groups; i++)
    if (match->groups[i].group == group)
      return &match->groups[i];
  return NULL;
}

/* The member that gets the message instead. @stays: (nullable): the member that has it now and stays in the group: then only a
 * member of another peer that has room gets it. NULL: there is none. */
static BusSubscription *
reroute_find_taker (BusCore *core,
                    BusGroup *group,
                    const BusMessage *message,
                    const BusDelivery *delivery,
                    const BusSubscription *stays,
                    gint64 now_us)
{
  const BusGroupMatch *members = reroute_find_members (core, group, message->topic);
  BusNeed need = {
    .len = message->body.len, .lane = message->class_of.lane, .now_us = now_us, .is_held = delivery->is_kept
  }; /* a kept message needs no room of unsettled_messages again: it was bounded when it was accepted */
  guint picked;

  if (members == NULL)
    return NULL;
  if (stays != NULL)
    {
      picked = bus_pick_taker (&group->balance, members->candidates, members->n, &need, stays->owner);
      return picked < members->n ? members->candidates[picked] : NULL;
    }
  picked = bus_pick (&group->balance, members->candidates, members->n, &need);
  return picked < members->n ? members->candidates[picked] : NULL;
}

/* Offers the message to the taker. It is queued there, or its loss is in a gap of the taker. */
static void
reroute_give (BusParcel *parcel, BusSubscription *from, BusSubscription *taker, gint64 now_us)
{
  BusDelivery delivery = parcel->delivery;
  WireEnvelope envelope;
  BusInbound inbound;

  delivery.is_handed_on = delivery.is_kept;
  if (parcel->ticket != NULL && !bus_block_may_hand_on (&taker->owner->flow, parcel->ticket, now_us))
    g_clear_pointer (&parcel->ticket, bus_ticket_unref);
  bus_confirm_move (taker->owner->core, delivery.route_id, taker->owner);
  bus_inbound_view_kept (&inbound, parcel->message, parcel->ticket, &envelope);
  if (bus_router_offer (&inbound, taker->owner, &taker, 1, &delivery, TRUE, now_us).queued == 0)
    bus_fifo_note_dropped (taker->owner->flow.shared, delivery.route_id, BUS_LOSS_REFUSED);
  bus_inbound_clear (&inbound);
}

static void
reroute_give_unsent (BusParcel *parcel, BusSubscription *from, BusSubscription *taker, gint64 now_us)
{
  reroute_give (parcel, from, taker, now_us);
  bus_subscription_need_extra (from)->rerouted++;
  from->group->rerouted++;
}

/* The group has no other member: holds the message until it has one, if its publisher asked for that. */
static gboolean
reroute_hold (BusCore *core, BusParcel *parcel, BusSubscription *ended, gint64 now_us)
{
  if (ended->group == NULL || !reroute_may_hand_on (parcel->message, &parcel->delivery, now_us)
      || !bus_hold_leave (core, parcel, ended->group, ended->owner->account))
    return FALSE;
  bus_subscription_need_extra (ended)->rerouted++;
  ended->group->rerouted++;
  return TRUE;
}

/* Hands an unsent message of a member that ended on to another member, or holds it. FALSE: neither is possible. */
static gboolean
reroute_message (BusCore *core, BusParcel *parcel, BusSubscription *ended, gint64 now_us)
{
  BusSubscription *taker = NULL;

  if (ended->group != NULL && reroute_may_hand_on (parcel->message, &parcel->delivery, now_us))
    taker = reroute_find_taker (core, ended->group, parcel->message, &parcel->delivery, NULL, now_us);
  if (taker != NULL)
    reroute_give_unsent (parcel, ended, taker, now_us);
  return taker != NULL || reroute_hold (core, parcel, ended, now_us);
}

/* --- kept messages that were sent and not settled --- */

static gboolean
reroute_may_repeat (const BusCore *core, const BusSent *sent, gint64 now_us)
{
  return reroute_may_hand_on (sent->message, &sent->delivery, now_us)
         && MAX (sent->delivery.attempt, 1) < core->limits.delivery_attempts;
}

static void
reroute_count_repeat (BusSubscription *from)
{
  from->owner->core->routes->n_repeated++;
  bus_subscription_need_extra (from)->repeated++;
  from->group->repeated++;
}

static void
reroute_repeat (BusSubscription *from, BusSent *sent, BusSubscription *taker, gint64 now_us)
{
  g_autoptr (BusParcel) parcel = bus_unsettled_take (&from->owner->flow, from, sent);

  parcel->delivery.attempt = MAX (parcel->delivery.attempt, 1) + 1;
  reroute_give (parcel, from, taker, now_us);
  reroute_count_repeat (from);
}

/* No other member is left: holds an unsettled message as a repeat. FALSE: its publisher did not ask for it, or there is no
 * room. */
static gboolean
reroute_hold_unsettled (BusCore *core, BusSubscription *ended, BusSent *sent)
{
  BusParcel view = { .message = sent->message, .delivery = sent->delivery };
  g_autoptr (BusParcel) parcel = NULL;

  view.delivery.attempt = MAX (sent->delivery.attempt, 1) + 1;
  if (!bus_hold_leave (core, &view, ended->group, ended->owner->account))
    return FALSE;
  parcel = bus_unsettled_take (&ended->owner->flow, ended, sent);
  reroute_count_repeat (ended);
  return TRUE;
}

/* Gives the messages that a member has not settled to other members, as repeats. @stays: the member stays in the group. Returns
 * the number of messages that were given to other members or held.
 *
 * The member may have handled such a message: only its acknowledgement is missing. A second delivery is therefore allowed only for
 * messages that are delivered at least once. These are the ones whose record keeps the message; all other deliveries are only
 * counted, as unacknowledged, when the member ends.
 *
 * Taking the message out does not free the record: it becomes WITHDRAWN. The client still counts this delivery in its totals, and
 * may settle it late; then the record is freed. Until then bus_reroute_ended() can subtract the withdrawn records from the
 * outstanding deliveries, so that a message which was repeated is not counted as unacknowledged as well.
 *
 * A member that ends (@stays is FALSE) can't keep the message, so any other member gets it, by bus_pick(): also one that is
 * demoted or full, whose policy then decides. A member that stays keeps the message unless a member of another peer has room for
 * it: taking it away and dropping it would turn a slow member into a loss. The settle timer tries again.
 *
 * Each repeat increases `attempt`. At delivery_attempts the message is not repeated any more, so that a message which makes every
 * member fail does not circulate forever. */
static guint
reroute_unsettled (BusCore *core, BusSubscription *subscription, gboolean stays, gint64 now_us)
{
  BusSent *sent = bus_unsettled_next_kept (subscription, NULL);
  guint n = 0;

  while (sent != NULL)
    {
      BusSent *next = bus_unsettled_next_kept (subscription, sent);
      BusSubscription *taker = NULL;

      if (reroute_may_repeat (core, sent, now_us))
        taker = reroute_find_taker (core, subscription->group, sent->message, &sent->delivery,
                                    stays ? subscription : NULL, now_us);
      if (taker != NULL)
        reroute_repeat (subscription, sent, taker, now_us);
      n += taker != NULL
                   || (!stays && reroute_may_repeat (core, sent, now_us)
                       && reroute_hold_unsettled (core, subscription, sent))
               ? 1
               : 0;
      sent = next;
    }
  return n;
}

void
bus_reroute_unsettled_due (BusCore *core, BusSubscription *subscription, gint64 now_us)
{
  BusPeer *owner = subscription->owner;

  if (!bus_unsettled_expire (&owner->flow, subscription, now_us))
    return;
  reroute_unsettled (core, subscription, TRUE, now_us);
  bus_reroute_waiting (core, subscription, now_us);
  bus_flow_pump (&owner->flow, now_us);
  bus_peer_touch (owner);
}

/* --- requests --- */

/* Hands an unsent request on to another server of its topic. A request that is addressed to one peer is given only to another
 * subscription of that peer. If there is no server, or it has no room, the requester gets an ERROR. FALSE: the request ended. */
static gboolean
reroute_request (BusCore *core, const BusParcel *parcel, BusSubscription *ended, gint64 now_us)
{
  BusMessage *message = parcel->message;
  BusDelivery delivery = parcel->delivery;
  BusRequest *request = bus_request_find (core, ended->owner, parcel->delivery.route_id);
  const BusNeed need = { .len = message->body.len, .lane = message->class_of.lane, .now_us = now_us };
  BusSubscription *server;
  WireEnvelope envelope;
  BusInbound inbound;
  gboolean queued;

  if (request == NULL)
    return FALSE; /* its requester does not wait any more */
  server = bus_router_pick_server (core, message->topic, parcel->delivery.to_each ? ended->owner : NULL, &need);
  if (server == NULL || !bus_peer_is_ready (server->owner))
    {
      bus_request_fail (core, request, BUS_REQUEST_ON_GONE, WIRE_STATUS_RESPONDER_GONE,
                        "the responder stopped serving before the request was sent to it");
      return FALSE;
    }
  bus_request_move (core, request, server->owner, message->topic);
  delivery.route_id = request->route_id;
  bus_inbound_view_kept (&inbound, message, NULL, &envelope);
  queued = bus_admit_request (&server->owner->flow, &inbound, &delivery, server, now_us);
  bus_inbound_clear (&inbound);
  bus_peer_touch (server->owner);
  if (!queued)
    bus_request_fail (core, request, BUS_REQUEST_ON_FULL, WIRE_STATUS_WOULD_BLOCK,
                      "the responder's queue is full: try again later");
  return queued;
}

/* --- the end of a subscription --- */

/* @withdrawn: the number of unsettled messages that other members have got, now or before */
static void
reroute_count_unknown (BusCore *core, const BusSubscription *subscription, guint64 withdrawn, BusLeave *leave)
{
  guint64 unknown = bus_window_outstanding (&subscription->window) - withdrawn;

  leave->unacknowledged += unknown;
  core->routes->n_unacknowledged += unknown;
}

/* The subscription is not in the index any more, so no message that is handed on can return to it.
 *
 * The order of the steps matters. Unsettled messages come first: they are older than those that were not sent, so another member
 * gets them in this order; and bus_flow_forget() frees their records, with the messages that they keep. The number of withdrawn
 * records has to be taken before that, too. All unsent messages leave the FIFO before the first one is offered to a member, so
 * no offer works on a queue that is being emptied. */
void
bus_reroute_ended (BusCore *core, BusSubscription *subscription, gint64 now_us, BusLeave *leave)
{
  BusFlow *flow = &subscription->owner->flow;
  g_autoptr (GPtrArray) unsent = g_ptr_array_new_with_free_func (bus_parcel_free);
  guint rerouted = 0;
  guint repeated = reroute_unsettled (core, subscription, FALSE, now_us);
  guint64 withdrawn = bus_unsettled_count_withdrawn (subscription);
  const guint64 waited = subscription->fifo->messages; /* some of them are lost if there is no memory */

  bus_flow_forget (flow, subscription, unsent, now_us);
  for (guint i = 0; i < unsent->len; i++)
    {
      BusParcel *parcel = g_ptr_array_index (unsent, i);

      if (parcel->delivery.kind == WIRE_KIND_REQUEST)
        rerouted += reroute_request (core, parcel, subscription, now_us) ? 1 : 0;
      else if (reroute_message (core, parcel, subscription, now_us))
        rerouted++;
      else
        {
          bus_fifo_discard (flow, subscription, parcel->message, now_us);
          bus_fifo_note_dropped (flow->shared, parcel->delivery.route_id, BUS_LOSS_ENDED);
        }
    }
  if (subscription->group != NULL && !subscription->serves)
    reroute_count_unknown (core, subscription, withdrawn, leave);
  leave->repeated += repeated;
  leave->rerouted += rerouted;
  leave->discarded += waited - rerouted;
}

/* --- a member that stays --- */

static BusSlot *
reroute_next_message (BusSlot *slot)
{
  while (slot != NULL && slot->state == BUS_DELIVERY_LOST)
    slot = slot->next;
  return slot;
}

/* Unlike in bus_reroute_ended(), the member stays, and may handle its messages later. So a message leaves it only if another
 * member has room for it now (reroute_find_taker()); otherwise it stays in its place, and the policy of this member still applies
 * to it. Nothing is lost by the attempt.
 *
 * Messages are taken out of the middle of a FIFO that is in use, and each offer to another member can change this FIFO as well:
 * taking a slot out merges the gaps beside it, and a broker that is full may drop messages of this subscription to make room for
 * the one that is handed on. The loop therefore keeps no pointer to a gap, and begins again in front when `missed` shows that
 * messages were dropped. At the end the slots that moved to the front get the credit that is free, and gaps that are in front
 * now are released. */
void
bus_reroute_waiting (BusCore *core, BusSubscription *subscription, gint64 now_us)
{
  BusFlow *flow = &subscription->owner->flow;
  guint64 missed = subscription->extra->missed;
  BusSlot *slot = reroute_next_message (subscription->fifo->first);

  if (subscription->group == NULL || subscription->serves)
    return;
  while (slot != NULL)
    {
      /* Taking a message out may merge the gaps beside it, and so free a gap, but no other message: remember the next message. */
      BusSlot *next = reroute_next_message (slot->next);
      BusSubscription *taker = NULL;

      if (reroute_may_hand_on (slot->message, &slot->delivery, now_us))
        taker = reroute_find_taker (core, subscription->group, slot->message, &slot->delivery, subscription, now_us);
      if (taker != NULL)
        {
          g_autoptr (BusParcel) parcel = bus_flow_take (flow, slot);

          reroute_give_unsent (parcel, subscription, taker, now_us);
        }
      /* When the broker is full, the offer may have dropped messages of this subscription, also the next one: begin again in
       * front. */
      if (subscription->extra->missed != missed)
        next = reroute_next_message (subscription->fifo->first);
      missed = subscription->extra->missed;
      slot = next;
    }
  bus_fifo_advance (flow, subscription, now_us);
  bus_flow_release_gaps (flow, subscription, now_us);
}
