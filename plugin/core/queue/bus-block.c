/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-block.h"

#include "queue/bus-fifo-run.h"
#include "queue/bus-report.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

void
bus_block_end (BusFlow *flow, BusSubscription *subscription)
{
  bus_unsettled_release_tickets (flow, subscription);
  for (BusSlot *slot = subscription->fifo->first; slot != NULL && subscription->records->tickets > 0; slot = slot->next)
    if (slot->ticket != NULL)
      bus_withheld_release (subscription, bus_fifo_take_ticket (flow, slot));
  bus_withheld_end (flow, subscription);
}

/* A publisher gets one ERROR for all of its messages that are lost, so they are counted in its ledger. */
static void
block_count_loss (GPtrArray *publishers, const BusSlot *slot)
{
  BusLedger *publisher = slot->ticket->publisher;

  if (publisher == NULL)
    return;
  if (publisher->block_lost++ == 0)
    g_ptr_array_add (publishers, publisher);
  publisher->block_lost_id = slot->message->id;
}

static void
block_drop_waiting (BusFlow *flow, BusSubscription *subscription, GPtrArray *publishers, gint64 now_us)
{
  BusSlot *next;

  for (BusSlot *slot = bus_fifo_unpack_next (flow, subscription, NULL, now_us); slot != NULL; slot = next)
    {
      /* Unpacked first: a dropped message may give its credit to the next one. Dropping may free gaps that follow, but no message,
       * so the next message is a safe place to continue. */
      next = bus_fifo_unpack_next (flow, subscription, slot, now_us);
      if (slot->ticket == NULL || slot->delivery.is_kept)
        continue;
      block_count_loss (publishers, slot);
      bus_fifo_drop (flow, slot, BUS_LOSS_EXPIRED, now_us);
    }
}

/* The time since which the oldest ticket is held. All tickets are compared, because a message that was handed on can be older than
 * those in front of it. */
static gint64
block_oldest_us (const BusSubscription *subscription)
{
  gint64 oldest = G_MAXINT64;

  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    if (sent->ticket != NULL)
      oldest = MIN (oldest, sent->ticket->since_us);
  for (const BusSlot *slot = subscription->fifo->first; slot != NULL; slot = slot->next)
    if (slot->ticket != NULL)
      oldest = MIN (oldest, slot->ticket->since_us);
  return oldest;
}

gboolean
bus_block_may_hand_on (const BusFlow *flow, const BusTicket *ticket, gint64 now_us)
{
  return now_us - ticket->since_us <= (BUS_BLOCK_PATIENCE - 1) * bus_withheld_longest_us (flow);
}

/*
 * Decides whether the block is over, and demotes the subscription if it is.
 *
 * One time limit does not work. If only progress counted, a client that returns one credit every few seconds would hold all of its
 * publishers back without limit. If only the age of messages counted, a client that hangs would hold them back for the whole time
 * that a slow client needs for a full queue. So there are two: without any progress the block ends after longest_block_us, and
 * with progress when a message has been held for BUS_BLOCK_PATIENCE times that. A ticket keeps its time when its message is handed
 * on to another member of the group, so a chain of slow members has no more time than one.
 *
 * The timer is armed with the first ticket only. Credit that is returned does not move it, and the last ticket does not disarm it,
 * because that would be work for every message; when it expires, this function computes the true end of the block from progress
 * and tickets, and arms it again if that is later.
 *
 * This function drops nothing: bus-demote first hands messages on to other members of the group. The number of settled messages is
 * remembered, because the demotion must not end before the client has settled another one (bus_block_check_drained()).
 */
gboolean
bus_block_expire (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  const gint64 longest_us = bus_withheld_longest_us (flow);
  gint64 due_us;

  if (subscription->records->tickets == 0)
    return FALSE;
  due_us = MIN (subscription->records->progress_us + longest_us,
                block_oldest_us (subscription) + BUS_BLOCK_PATIENCE * longest_us);

  if (now_us < due_us)
    {
      bus_deadline_arm (flow->shared->deadlines, &bus_subscription_need_records (subscription)->block_timer.deadline,
                        due_us);
      return FALSE;
    }
  bus_subscription_on (subscription, BUS_SUBSCRIPTION_ON_DEMOTE, &flow->shared->ignored_events);
  bus_subscription_need_extra (subscription)->demoted_at = subscription->unsettled.settled;
  bus_report_change (flow, subscription, BUS_CHANGE_DEMOTED, now_us);
  return TRUE;
}

/*
 * Drops the messages that wait with a ticket, then gives up all tickets, also those of messages that were sent.
 *
 * It would not be enough to give up the tickets: the messages would stay in a queue whose bounds have not applied to them, and
 * could exceed these bounds by as much as the windows of all its publishers. Messages that are delivered at least once stay,
 * because they have bounds of their own (unsettled_messages, unsettled_bytes). Messages without a ticket stay, because the bounds
 * have applied to them.
 */
void
bus_block_drop (BusFlow *flow, BusSubscription *subscription, GPtrArray *publishers, gint64 now_us)
{
  block_drop_waiting (flow, subscription, publishers, now_us);
  bus_block_end (flow, subscription);
}

void
bus_block_restore (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  if (bus_subscription_on (subscription, BUS_SUBSCRIPTION_ON_RESTORE, &flow->shared->ignored_events))
    bus_report_change (flow, subscription, BUS_CHANGE_DRAINED, now_us);
}

void
bus_block_check_drained (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  const BusWindow *window = &subscription->window;
  guint64 outstanding = bus_window_outstanding (window);

  if (subscription->cursor != NULL)
    return; /* retained messages are ahead, and new messages would wait behind them */
  if (!bus_subscription_is_demoted (subscription) || subscription->fifo->messages > 0
      || outstanding * 2 > window->window_messages
      || (outstanding > 0 && subscription->unsettled.settled == subscription->extra->demoted_at))
    return;
  bus_block_restore (flow, subscription, now_us);
}
