/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-block.h"

#include "queue/bus-report.h"
#include "queue/bus-flow-private.h"
#include "peer/bus-state.h"

static gint64
longest_us (const BusSubscription *subscription)
{
  return (gint64) subscription->owner->core->limits.longest_block_us;
}

void
bus_block_took (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  if (subscription->tickets++ > 0)
    return;
  subscription->progress_us = now_us;
  bus_deadline_arm (flow->shared->deadlines, &subscription->block_timer.deadline, now_us + longest_us (subscription));
}

void
bus_block_hand_on (BusSubscription *subscription)
{
  g_assert (subscription->tickets > 0);
  if (--subscription->tickets == 0)
    bus_deadline_disarm (&subscription->owner->core->deadlines, &subscription->block_timer.deadline);
}

void
bus_block_release (BusSubscription *subscription, BusTicket *ticket)
{
  bus_block_hand_on (subscription);
  bus_ticket_unref (ticket);
}

/* --- holds --- */

void
bus_block_sent (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket, gint64 now_us)
{
  BusHold *hold = g_slice_new0 (BusHold);

  hold->ticket = ticket;
  hold->index = subscription->delivered;
  hold->since_us = now_us;
  if (subscription->hold_last != NULL)
    subscription->hold_last->next = hold;
  else
    subscription->hold_first = hold;
  subscription->hold_last = hold;
  bus_quota_keep (flow->shared->quota, flow->outq.usage, sizeof (BusHold));
}

static void
release_first (BusFlow *flow, BusSubscription *subscription)
{
  BusHold *hold = subscription->hold_first;

  subscription->hold_first = hold->next;
  if (hold->next == NULL)
    subscription->hold_last = NULL;
  bus_block_release (subscription, hold->ticket);
  g_slice_free (BusHold, hold);
  bus_quota_forgo (flow->shared->quota, flow->outq.usage, sizeof (BusHold));
}

void
bus_block_returned (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  guint64 returned = subscription->window.granted_messages - subscription->window.window_messages;

  if (returned <= subscription->returned)
    return; /* the same totals once more are no progress */
  subscription->returned = returned;
  subscription->progress_us = now_us;
  while (subscription->hold_first != NULL && subscription->hold_first->index <= returned)
    release_first (flow, subscription);
}

void
bus_block_end (BusFlow *flow, BusSubscription *subscription)
{
  while (subscription->hold_first != NULL)
    release_first (flow, subscription);
  for (BusSlot *slot = subscription->fifo.first; slot != NULL && subscription->tickets > 0; slot = slot->next)
    if (slot->ticket != NULL)
      bus_block_release (subscription, bus_fifo_take_ticket (flow, slot));
}

/* --- the end of a block --- */

/* Publishers are told once for all of their messages that are lost. */
static void
count_for_publisher (GPtrArray *publishers, const BusTicket *ticket)
{
  BusPeer *publisher = ticket->publisher;

  if (publisher == NULL)
    return;
  if (publisher->block_lost++ == 0)
    g_ptr_array_add (publishers, publisher);
  publisher->block_lost_id = ticket->id;
}

static void
tell_publisher (BusPeer *publisher, const BusSubscription *subscription)
{
  WireEnvelope error;
  char detail[200];

  g_snprintf (detail, sizeof detail, "%s did not take it in time (longest_block_us): it is told by GAP what it missed",
              subscription->owner->id);
  wire_envelope_init (&error);
  error.answers = publisher->block_lost_id;
  error.status = WIRE_STATUS_WOULD_BLOCK;
  error.value = publisher->block_lost;
  error.limit = (guint64) longest_us (subscription);
  error.setting = wire_span_str (bus_limit_name (BUS_LIMIT_longest_block_us));
  error.detail = wire_span_str (detail);
  publisher->block_lost = 0;
  bus_peer_put (publisher, WIRE_KIND_ERROR, 0, &error);
}

static void
lose_what_waits (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSlot *next;

  for (BusSlot *slot = subscription->fifo.first; slot != NULL; slot = next)
    {
      next = slot->next;
      if (slot->state == BUS_SLOT_GAP || slot->ticket == NULL)
        continue;
      /* The gap that stands there now may have been joined with the next ones; messages stay where they are. */
      while (next != NULL && next->state == BUS_SLOT_GAP)
        next = next->next;
      count_for_publisher (publishers, slot->ticket);
      bus_fifo_drop (flow, slot, BUS_LOSS_EXPIRED, now_us);
    }
  for (guint i = 0; i < publishers->len; i++)
    tell_publisher (g_ptr_array_index (publishers, i), subscription);
}

static gint64
oldest_us (const BusSubscription *subscription)
{
  const BusSlot *slot = bus_fifo_oldest (subscription);
  gint64 oldest = subscription->hold_first != NULL ? subscription->hold_first->since_us : G_MAXINT64;

  return slot != NULL ? MIN (oldest, slot->since_us) : oldest;
}

void
bus_block_due (BusSubscription *subscription, gint64 now_us)
{
  BusFlow *flow = &subscription->owner->flow;
  gint64 due_us = MIN (subscription->progress_us + longest_us (subscription),
                       oldest_us (subscription) + BUS_BLOCK_PATIENCE * longest_us (subscription));

  if (now_us < due_us)
    {
      bus_deadline_arm (flow->shared->deadlines, &subscription->block_timer.deadline, due_us);
      return;
    }
  subscription->demoted = TRUE;
  lose_what_waits (flow, subscription, now_us);
  bus_block_end (flow, subscription);
  bus_report_change (flow, subscription, BUS_CHANGE_DEMOTED, now_us);
  bus_peer_note (
      subscription->owner, BUS_NOTE_DROPPED, WIRE_STATUS_EXPIRED,
      "it held publishers back for too long (longest_block_us): its oldest messages are dropped until it has drained");
  bus_flow_pump (flow, now_us);
  bus_peer_touch (subscription->owner);
}

void
bus_block_look (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  const BusWindow *window = &subscription->window;

  if (!subscription->demoted || subscription->fifo.messages > 0
      || bus_window_outstanding (window) * 2 > window->window_messages)
    return;
  subscription->demoted = FALSE;
  bus_report_change (flow, subscription, BUS_CHANGE_DRAINED, now_us);
}
