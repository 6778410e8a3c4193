/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-route-run.h"

#include "base/bus-probe.h"
#include "base/bus-unset.h"
#include "peer/bus-shed.h"
#include "peer/bus-state.h"
#include "queue/bus-admit-run.h"
#include "queue/bus-unsettled.h"
#include "route/bus-routes.h"

#define RUN_WAIT_MAX 1024u  /* a slot, an entry, a timer and a look-up, or the front of a frame */
#define RUN_SLACK    65536u /* segments of a receiver that are not full */

gboolean
bus_route_run_suits (const BusMatch *match)
{
  if (match->n_filtered > 0 || match->n_groups > 1)
    return FALSE;
  for (guint i = 0; match->n_groups == 1 && i < match->n_receivers; i++)
    if (match->receivers[i].n_plain > 0)
      return FALSE;
  return TRUE;
}

/* --- one message of it --- */

static gsize
run_cost (const BusRun *run, guint i)
{
  return WIRE_FRAME_HEADER_LEN + run->messages[i].body.len;
}

/* Fills @inbound as a view of one message of the run, as if it had come alone. @ticket: (nullable) (transfer none): of the whole
 * run. run_close_view() releases the references of the view. */
static void
run_open_view (BusCore *core, BusRun *run, guint i, BusTicket *ticket, BusInbound *inbound)
{
  const BusRunMessage *message = &run->messages[i];
  WireEnvelope *envelope = &run->envelope;

  envelope->id = message->id;
  envelope->topic = message->topic;
  envelope->payload = wire_span (message->body.data, message->payload_len);
  inbound->frame = (WireFrame){ .kind = WIRE_KIND_PUBLISH, .body = message->body };
  inbound->reader = NULL;
  inbound->envelope = envelope;
  inbound->copy_max = BUS_OUTQ_COPY_MAX;
  inbound->expires_us = 0;
  inbound->traced_us = 0;
  inbound->class_of = run->class_of;
  inbound->domain = run->domain;
  inbound->quota = &core->quota;
  inbound->publisher = run->publisher;
  inbound->credit_bytes = run_cost (run, i);
  inbound->kept = message->kept;
  inbound->ticket = ticket != NULL ? bus_ticket_ref (ticket) : NULL;
  bus_inbound_stamp (inbound, run->sender, run->first_seq + i, run->time_us);
}

static void
run_close_view (BusRun *run, guint i, BusTicket *ticket, BusInbound *inbound)
{
  run->messages[i].kept = g_steal_pointer (&inbound->kept);
  if (ticket == NULL && inbound->ticket != NULL)
    {
      run->held++;
      run->held_cost += run_cost (run, i);
    }
  bus_inbound_clear (inbound);
}

static void
run_publish_each (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us)
{
  BusInbound inbound BUS_UNSET;

  for (guint i = 0; i < run->n; i++)
    {
      run_open_view (core, run, i, NULL, &inbound);
      bus_router_publish (core, &inbound, match, FALSE, now_us);
      run_close_view (run, i, NULL, &inbound);
    }
}

/* --- memory --- */

/* The most memory that the run may need: every message once, and for each of @n receivers its frame or its place in a queue. */
static guint64
run_need (const BusRun *run, guint n)
{
  return run->n * bus_message_size (0) + 2 * run->bytes
         + n * (RUN_SLACK + run->n * (guint64) RUN_WAIT_MAX + run->bytes);
}

static gboolean
run_is_far_from_limits (const BusCore *core, const BusRun *run, const BusMatch *match)
{
  const guint64 need = run_need (run, match->n_receivers);

  if (!bus_shed_is_far_from_limit (core, need))
    return FALSE;
  for (guint i = 0; i < match->n_receivers; i++)
    if (!bus_shed_is_account_far_from_limit (match->receivers[i].peer->account, need))
      return FALSE;
  return TRUE;
}

/* --- plain subscriptions --- */

static gboolean
run_is_withheld (const BusRun *run, const BusMatch *match)
{
  for (guint i = 0; i < match->n_receivers; i++)
    for (guint j = 0; j < match->receivers[i].n_plain; j++)
      if (bus_admit_withholds (&match->receivers[i].peer->flow, match->receivers[i].subscriptions[j], run->publisher))
        return TRUE;
  return FALSE;
}

/* Offers the messages from @from on, one by one. */
static void
run_offer_each (BusCore *core, BusRun *run, guint from, const BusReceiver *receiver, BusTicket *ticket, gint64 now_us)
{
  const BusDelivery delivery = { .kind = WIRE_KIND_DELIVER };
  BusInbound inbound BUS_UNSET;

  for (guint i = from; i < run->n && bus_peer_is_ready (receiver->peer); i++)
    {
      run_open_view (core, run, i, ticket, &inbound);
      run->messages[i].refused += bus_router_offer (&inbound, receiver->peer, receiver->subscriptions,
                                                    receiver->n_plain, &delivery, TRUE, now_us)
                                      .refused;
      run_close_view (run, i, ticket, &inbound);
    }
}

/* --- a run for one receiver ---
 *
 * Routing handles messages one after the other, each for all receivers. For small messages, most of the time is then spent on
 * steps that have the same result for each message of a run: finding the subscription, comparing window, lane and gaps. So here
 * the loops are swapped: one receiver after the other gets the whole run. bus_route_run() has checked that the order of the
 * receivers has no effect, because no message has to be shed.
 *
 * bus_admit_run() encodes only messages at the front of the run that can be sent now: it never queues or drops, and does not know
 * the policies. If the window is closed behind them, and no bound is near, bus_admit_run_wait() queues the rest as waiting runs.
 * Each other message takes the ordinary path, and only this path applies policies. So each policy has one implementation, and the
 * order of messages for a subscription is that of the run.
 *
 * Two cases use only the ordinary path for messages that wait. A waiting run is a copy for one receiver, so messages for several
 * receivers wait one by one, and all receivers share each of them. A receiver with several matching subscriptions gets every
 * message by the ordinary path, because one frame names all of these subscriptions. */

/* The receiver has got the first @done messages: offers it the others. */
static void
run_offer_behind (BusCore *core, BusRun *run, guint done, const BusReceiver *receiver, BusTicket *ticket, gint64 now_us)
{
  if (done > 0)
    bus_peer_touch (receiver->peer);
  if (done < run->n)
    run_offer_each (core, run, done, receiver, ticket, now_us);
}

/* Without memory for the record that would withhold credit, the run is offered message by message. */
static gboolean
run_may_record (BusFlow *flow, gboolean is_withheld)
{
  return !is_withheld || bus_unsettled_can_add (flow, 1, FALSE);
}

/* One of several receivers, or a receiver with several subscriptions. */
static void
run_offer (BusCore *core, BusRun *run, const BusReceiver *receiver, BusTicket *ticket, gint64 now_us)
{
  BusFlow *flow = &receiver->peer->flow;
  BusSubscription *first = receiver->subscriptions[0];
  const gboolean is_withheld = bus_admit_withholds (flow, first, run->publisher);
  guint done = 0;

  if (!bus_peer_is_ready (receiver->peer))
    return;
  if (receiver->n_plain == 1 && run_may_record (flow, is_withheld))
    done = bus_admit_run (flow, run, 0, run->n, first, TRUE, now_us);
  if (done > 0 && is_withheld)
    bus_unsettled_withhold (flow, first, ticket, now_us);
  run_offer_behind (core, run, done, receiver, ticket, now_us);
}

static BusTicket *
run_withhold (BusRun *run, gint64 now_us)
{
  run->held = run->n;
  run->held_cost = run->cost;
  return bus_ticket_new (run->publisher, run->class_of.credit_class, run->n, run->cost, now_us);
}

static void
run_withhold_part (BusRun *run, BusSubscription *subscription, gint64 now_us)
{
  BusTicket *ticket = bus_ticket_ref_part (run->publisher, run->class_of.credit_class, run->n, run->cost, now_us);

  run->held = run->n;
  run->held_cost = run->cost;
  bus_unsettled_withhold_part (&subscription->owner->flow, subscription, ticket, run->n, run->cost, now_us);
}

/* The only receiver, with one subscription. If it gets the whole run at once, the run needs no ticket of its own. */
static void
run_offer_to_one (BusCore *core, BusRun *run, const BusReceiver *receiver, gint64 now_us)
{
  BusSubscription *subscription = receiver->subscriptions[0];
  BusFlow *flow = &receiver->peer->flow;
  BusTicket *ticket = NULL;
  gboolean is_withheld;
  guint done;

  if (!bus_peer_is_ready (receiver->peer))
    return;
  is_withheld = bus_admit_withholds (flow, subscription, run->publisher);
  done = run_may_record (flow, is_withheld) ? bus_admit_run (flow, run, 0, run->n, subscription, FALSE, now_us) : 0;
  if (is_withheld && done == run->n)
    run_withhold_part (run, subscription, now_us);
  else if (is_withheld)
    ticket = run_withhold (run, now_us);
  if (done > 0 && ticket != NULL)
    bus_unsettled_withhold (flow, subscription, ticket, now_us);
  if (done < run->n)
    done += bus_admit_run_wait (flow, run, done, subscription, ticket, now_us);
  run_offer_behind (core, run, done, receiver, ticket, now_us);
  g_clear_pointer (&ticket, bus_ticket_unref);
}

static void
run_offer_to_all (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us)
{
  BusTicket *ticket = run_is_withheld (run, match) ? run_withhold (run, now_us) : NULL;

  for (guint i = 0; i < match->n_receivers; i++)
    run_offer (core, run, &match->receivers[i], ticket, now_us);
  g_clear_pointer (&ticket, bus_ticket_unref);
}

/* --- a group --- */

/* The ticket of the run in the newest record of the member. NULL: none. All messages that a member gets of one run share a
 * ticket. */
static BusTicket *
run_ticket_of_member (const BusRun *run, const BusSubscription *member)
{
  const BusSent *last = member->records->last;

  return last != NULL && last->ticket != NULL && last->ticket->run == run->number ? last->ticket : NULL;
}

/* FALSE: no memory to withhold the credit of a message that the member gets. */
static gboolean
run_may_withhold_of_member (const BusRun *run, BusSubscription *member)
{
  BusFlow *flow = &member->owner->flow;

  return run_ticket_of_member (run, member) != NULL
         || (bus_ticket_can_make (flow->shared->quota) && run_may_record (flow, TRUE));
}

/* Withholds the credit of a message that the member got. */
static void
run_withhold_of_member (BusRun *run, guint i, BusSubscription *member, gint64 now_us)
{
  BusFlow *flow = &member->owner->flow;
  BusTicket *ticket = run_ticket_of_member (run, member);

  run->held++;
  run->held_cost += run_cost (run, i);
  if (ticket != NULL)
    {
      bus_ticket_join (ticket, run_cost (run, i));
      bus_unsettled_withhold (flow, member, ticket, now_us);
      return;
    }
  ticket = bus_ticket_new (run->publisher, run->class_of.credit_class, 1, run_cost (run, i), now_us);
  ticket->run = run->number;
  bus_unsettled_withhold (flow, member, ticket, now_us);
  bus_ticket_unref (ticket);
}

static void
run_offer_to_member (BusCore *core, BusRun *run, guint i, BusSubscription *member, gint64 now_us)
{
  const BusDelivery delivery = { .kind = WIRE_KIND_DELIVER };
  BusFlow *flow = &member->owner->flow;
  const gboolean is_withheld = bus_admit_withholds (flow, member, run->publisher);
  BusInbound inbound BUS_UNSET;

  if ((!is_withheld || run_may_withhold_of_member (run, member))
      && bus_admit_run (flow, run, i, 1, member, FALSE, now_us) == 1)
    {
      bus_peer_touch (member->owner);
      if (is_withheld)
        run_withhold_of_member (run, i, member, now_us);
      return;
    }
  run_open_view (core, run, i, NULL, &inbound);
  run->messages[i].refused += bus_router_offer (&inbound, member->owner, &member, 1, &delivery, TRUE, now_us).refused;
  run_close_view (run, i, NULL, &inbound);
}

static void
run_offer_to_group (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us)
{
  BusGroupMatch *group = &match->groups[0];
  BusNeed need = { .lane = run->class_of.lane, .now_us = now_us };

  for (guint i = 0; i < run->n; i++)
    {
      guint picked;

      need.len = run->messages[i].body.len;
      picked = bus_pick (&group->group->balance, group->candidates, group->n, &need);
      if (picked < group->n && bus_peer_is_ready (group->candidates[picked]->owner))
        run_offer_to_member (core, run, i, group->candidates[picked], now_us);
    }
}

/* --- the whole run --- */

#ifdef DEYE_BUS_PROBES
static guint
run_count_matched (const BusMatch *match)
{
  guint n = match->n_groups;

  for (guint i = 0; i < match->n_receivers; i++)
    n += match->receivers[i].n_plain;
  return n;
}
#endif

static void
run_trace (const BusRun *run, const BusMatch *match)
{
#ifdef DEYE_BUS_PROBES
  const guint matched = run_count_matched (match);

  for (guint i = 0; i < run->n; i++)
    BUS_PROBE4 (route, run->first_seq + i, matched, matched - run->messages[i].refused, run->messages[i].refused);
#endif
}

/* Encodes the parts of the stamp that all messages of an input have in common. */
static void
run_prepare_stamp (BusRun *run)
{
  run->n_encoded = 0;
  if (run->head_len > 0)
    return;
  run->head_len = (guint8) wire_stamp_before_sequence (run->head, run->sender);
  run->tail_len = (guint8) wire_stamp_behind_sequence (run->tail, (guint64) run->time_us);
}

static void
run_count_accepted (BusCore *core, const BusRun *run)
{
  core->flows.domains[run->domain].accepted += run->n;
  core->flows.domains[run->domain].accepted_bytes += run->payload_bytes;
}

static gboolean
run_has_one_receiver (const BusMatch *match)
{
  return match->n_receivers == 1 && match->n_groups == 0 && match->receivers[0].n_plain == 1;
}

/* TRUE if routing the run as a whole costs less than routing each message: it has several messages, or its only message has one
 * receiver with one subscription, for which it is encoded directly from the run. */
static gboolean
run_is_efficient (const BusRun *run, const BusMatch *match)
{
  return run->n > 1 || run_has_one_receiver (match);
}

void
bus_route_run (BusCore *core, BusRun *run, BusMatch *match, gint64 now_us)
{
  run->number++;
  run->held = 0;
  run->held_cost = 0;
  run->domain = match->domain;
  run->first_seq = core->routes->accept_seq + 1;
  core->routes->accept_seq += run->n;
  if (!run_is_efficient (run, match) || (match->n_receivers > 0 && !run_is_far_from_limits (core, run, match))
      || !bus_ticket_can_make (&core->quota))
    run_publish_each (core, run, match, now_us);
  else
    {
      run_count_accepted (core, run);
      run_prepare_stamp (run);
      if (match->n_groups > 0)
        run_offer_to_group (core, run, match, now_us);
      else if (run_has_one_receiver (match))
        run_offer_to_one (core, run, &match->receivers[0], now_us);
      else
        run_offer_to_all (core, run, match, now_us);
      run_trace (run, match);
    }
  for (guint i = 0; i < run->n; i++)
    g_clear_pointer (&run->messages[i].kept, bus_message_unref);
}
