/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-assured.h"

#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-fifo.h"
#include "route/bus-hold.h"

/* --- room --- */

static gboolean
assured_refuse (BusRefusal *refusal, BusLimit limit, guint64 most, guint64 value)
{
  *refusal = (BusRefusal){ WIRE_STATUS_LIMIT, { limit, most, value } };
  return FALSE;
}

static gboolean
assured_refuse_unserved (BusRefusal *refusal)
{
  *refusal = (BusRefusal){ .status = WIRE_STATUS_NO_RESPONDERS };
  return FALSE;
}

/* A group whose members all drain or are being closed counts as a group without members. */
static gboolean
assured_has_members (const BusMatch *match, const BusAssurance *assurance, BusRefusal *refusal)
{
  if (assurance->may_hold)
    return TRUE;
  if (match->n_groups == 0 && (assurance->confirm != NULL || match->n_receivers == 0))
    return assured_refuse_unserved (refusal);
  for (guint i = 0; i < match->n_groups; i++)
    if (match->groups[i].picked == match->groups[i].n)
      return assured_refuse_unserved (refusal);
  return TRUE;
}

/* `claimed` is the sum of the bytes that the picked members of an account need. */
static gboolean
assured_member_has_room (const BusSubscription *member, const BusNeed *need, guint64 bytes, BusRefusal *refusal)
{
  BusPeer *owner = member->owner;
  BusAccount *account = owner->account;
  BusExcess excess;

  if (bus_room_excess_kept (&owner->flow, member, need, &excess))
    return assured_refuse (refusal, excess.limit, excess.most, excess.value);
  account->claimed += bytes;
  if (!bus_shed_fit_account (account, account->claimed, need->now_us))
    return assured_refuse (refusal, BUS_LIMIT_uid_bytes, owner->core->limits.uid_bytes,
                           account->usage.charged + account->claimed);
  return TRUE;
}

/* --- publishing --- */

static void
assured_pick_members (BusMatch *match, const BusNeed *need)
{
  for (guint i = 0; i < match->n_groups; i++)
    {
      BusGroupMatch *group = &match->groups[i];
      BusPicked picked = bus_pick_ahead (&group->group->balance, group->candidates, group->n, need);

      group->picked = picked.member;
      group->rank = picked.rank;
    }
}

/* The message is accepted: uses up the turns of the picked members. */
static void
assured_take_turns (BusMatch *match, const BusNeed *need)
{
  for (guint i = 0; i < match->n_groups; i++)
    {
      BusGroupMatch *group = &match->groups[i];

      bus_pick_take (&group->group->balance, group->candidates, group->n, need,
                     (BusPicked){ group->picked, group->rank });
    }
}

/* The picked member. NULL: the group has no member that takes part. */
static BusSubscription *
assured_member (const BusGroupMatch *group)
{
  return group->picked < group->n ? group->candidates[group->picked] : NULL;
}

/* FALSE: a picked member has no room to keep the message. */
static gboolean
assured_have_room (const BusInbound *inbound, const BusMatch *match, const BusNeed *need, BusRefusal *refusal)
{
  const guint64 bytes = bus_router_need (inbound, 1);
  gboolean have_room = TRUE;
  BusSubscription *member;

  for (guint i = 0; i < match->n_groups; i++)
    if ((member = assured_member (&match->groups[i])) != NULL)
      member->owner->account->claimed = 0;
  for (guint i = 0; have_room && i < match->n_groups; i++)
    if ((member = assured_member (&match->groups[i])) != NULL)
      have_room = assured_member_has_room (member, need, bytes, refusal);
  return have_room;
}

/* @fits: the broker has room for all receivers */
static gboolean
assured_has_room (BusCore *core,
                  const BusInbound *inbound,
                  const BusMatch *match,
                  const BusNeed *need,
                  gboolean fits,
                  BusRefusal *refusal)
{
  if (!fits)
    return assured_refuse (refusal, BUS_LIMIT_broker_bytes, core->quota.cap,
                           core->quota.memory + bus_router_need (inbound, match->n_receivers));
  return assured_have_room (inbound, match, need, refusal);
}

/* --- holding --- */

/* The number of groups for which the message has to be held. If no group matches, it is held once, for the first group that
 * will. */
static guint
assured_count_holds (const BusMatch *match)
{
  guint n = match->n_groups == 0 ? 1 : 0;

  for (guint i = 0; i < match->n_groups; i++)
    n += match->groups[i].picked == match->groups[i].n ? 1 : 0;
  return n;
}

static gboolean
assured_may_hold (BusCore *core,
                  const BusInbound *inbound,
                  const BusMatch *match,
                  const BusAssurance *assurance,
                  BusRefusal *refusal)
{
  guint n = assurance->may_hold ? assured_count_holds (match) : 0;

  if (n == 0 || bus_hold_has_room (core, assurance->publisher->account, n, inbound->frame.body.len, &refusal->excess))
    return TRUE;
  refusal->status = WIRE_STATUS_LIMIT;
  return FALSE;
}

static BusDelivery
assured_delivery (const BusAssurance *assurance, BusPeer *receiver)
{
  BusDelivery delivery = {
    .kind = WIRE_KIND_DELIVER, .is_kept = assurance->at_least_once, .may_hold = assurance->may_hold, .attempt = 1
  };

  if (assurance->confirm != NULL)
    {
      delivery.route_id = bus_confirm_add (assurance->confirm, receiver);
      delivery.flags = WIRE_FLAG_WANT_DELIVERED;
    }
  return delivery;
}

/* @group: NULL: the first group that matches later */
static BusOutcome
assured_hold (BusCore *core, BusInbound *inbound, const BusGroup *group, const BusAssurance *assurance)
{
  BusDelivery delivery = assured_delivery (assurance, NULL);
  BusHoldSpec spec = { bus_inbound_keep (inbound), &delivery, assurance->publisher->account,
                       &assurance->publisher->principal, group };

  if (spec.message == NULL)
    {
      bus_fifo_note_dropped (&core->flows, delivery.route_id, BUS_LOSS_NO_MEMORY); /* others may still get routes */
      return (BusOutcome){ .matched = 1, .refused = 1 };
    }
  bus_hold_add (core, &spec);
  return (BusOutcome){ .matched = 1, .queued = 1 };
}

/* --- offering --- */

static BusOutcome
assured_offer (BusCore *core,
               BusInbound *inbound,
               BusSubscription *member,
               const BusAssurance *assurance,
               gboolean fits,
               gint64 now_us)
{
  BusDelivery delivery = assured_delivery (assurance, member->owner);
  BusOutcome outcome;

  outcome = bus_router_offer (inbound, member->owner, &member, 1, &delivery, fits, now_us);
  if (outcome.queued == 0)
    bus_fifo_note_dropped (&core->flows, delivery.route_id, BUS_LOSS_REFUSED);
  return outcome;
}

/* The peer of a picked member was closed while the message was offered to others: the confirmation fails. */
static void
assured_lose (BusCore *core, const BusSubscription *member, const BusAssurance *assurance)
{
  if (assurance->confirm != NULL)
    bus_fifo_note_dropped (&core->flows, bus_confirm_add (assurance->confirm, member->owner), BUS_LOSS_ENDED);
}

static BusOutcome
assured_serve (BusCore *core,
               BusInbound *inbound,
               const BusGroupMatch *group,
               const BusAssurance *assurance,
               gboolean fits,
               gint64 now_us)
{
  BusSubscription *member = assured_member (group);

  if (member == NULL)
    return assured_hold (core, inbound, group->group, assurance);
  if (bus_peer_is_ready (member->owner))
    return assured_offer (core, inbound, member, assurance, fits, now_us);
  assured_lose (core, member, assurance);
  return (BusOutcome){ 0, 0, 0 };
}

/* Publishes to all matching groups, or refuses the message as a whole.
 *
 * The obvious loop would pick a member of each group, offer it the message, and stop at the first group without room. But then the
 * groups before it have the message already, while the publisher is answered that it was not published, and sends it again. So the
 * message is offered to the first group only when it is known that each group has a member, that these members have room to keep
 * the message (if it is delivered at least once), and that it can be held for groups without members (if it may be held).
 *
 * Two things make this check exact. Members are picked ahead (bus_pick_ahead()), which does not use up their turns: otherwise a
 * message that is refused and sent again would skip a member each time. And several picked members may belong to one account, so
 * the bytes that they need are added up in `claimed` of the account, and the sum is compared with the limit.
 *
 * A refusal delivers nothing, but it may have dropped waiting messages of the accounts of these members or, near the limit of the
 * broker, of any account, because checking for room makes room (peer/bus-shed). After the check a member can still be lost: an
 * offer to another receiver may close its peer to make room. Then the publisher's confirmation fails; the other groups keep the
 * message. */
BusOutcome
bus_assured_publish (BusCore *core,
                     BusInbound *inbound,
                     BusMatch *match,
                     const BusAssurance *assurance,
                     BusRefusal *refusal,
                     gint64 now_us)
{
  const BusDelivery plain = { .kind = WIRE_KIND_DELIVER };
  const BusNeed need = { .len = inbound->frame.body.len,
                         .lane = inbound->class_of.lane,
                         .now_us = now_us,
                         .is_kept = assurance->at_least_once };
  gboolean fits = bus_shed_reserve (core, bus_router_need (inbound, match->n_receivers), now_us);
  BusOutcome outcome = { 0, 0, 0 };

  *refusal = (BusRefusal){ .status = WIRE_STATUS_OK };
  assured_pick_members (match, &need);
  if (!assured_has_members (match, assurance, refusal))
    return outcome;
  if ((assurance->at_least_once && !assured_has_room (core, inbound, match, &need, fits, refusal))
      || !assured_may_hold (core, inbound, match, assurance, refusal))
    return outcome;
  assured_take_turns (match, &need);
  bus_router_count_accepted (core, inbound, match->domain);
  bus_router_choose_plain (match, inbound->envelope);
  outcome = bus_router_offer_chosen (inbound, match, &plain, fits, now_us);
  for (guint i = 0; i < match->n_groups; i++)
    bus_router_add_outcome (&outcome, assured_serve (core, inbound, &match->groups[i], assurance, fits, now_us));
  if (match->n_groups == 0 && assurance->may_hold)
    bus_router_add_outcome (&outcome, assured_hold (core, inbound, NULL, assurance));
  return outcome;
}
