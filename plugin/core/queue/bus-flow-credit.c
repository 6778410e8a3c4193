/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow-credit.h"

#include "base/bus-probe.h"
#include "queue/bus-block.h"
#include "queue/bus-fifo-run.h"
#include "queue/bus-report.h"
#include "queue/bus-unsettled.h"

/* The run that is sent next. NULL: the window is closed, something is in front of it, or the next message is not in a run. */
static BusSlot *
flow_next_run (const BusFlow *flow, const BusSubscription *subscription)
{
  BusSlot *slot = subscription->fifo->first_waiting;

  if (slot == NULL || slot->run == NULL || !bus_subscription_is_open (subscription)
      || subscription->fifo->lane_first[slot->lane] != slot || !bus_flow_lane_is_clear (flow, slot->lane))
    return NULL;
  return slot;
}

static void
flow_trace_of_run (const BusWaitingRun *run, guint n)
{
  for (guint i = run->first; i < run->first + n; i++)
    BUS_PROBE4 (write, run->first_seq + i, WIRE_KIND_DELIVER, run->class_of.lane, run->messages[i].body_len);
}

/* Accounts for the first @n messages of the run, which were encoded. */
static void
flow_encoded_of_run (BusFlow *flow, BusSlot *slot, guint n, gint64 now_us)
{
  BusSubscription *subscription = slot->subscription;
  const WireLane lane = slot->lane;

  flow_trace_of_run (slot->run, n);
  bus_flow_count_delivered (flow, subscription, slot->run->domain, n, now_us);
  if (slot->ticket != NULL)
    bus_unsettled_withhold (flow, subscription, slot->ticket, now_us);
  bus_fifo_sent_of_run (flow, slot, n, now_us);
  if (bus_flow_gap_is_first (subscription, lane) && !bus_flow_send_first_gaps (flow, subscription, lane))
    bus_report_again (flow, subscription, now_us);
  bus_block_check_drained (flow, subscription, now_us);
}

/* Sends messages of the runs at the front of the waiting messages. TRUE: all of these runs were sent, the window is still open,
 * and the message that waits next is not in a run. */
static gboolean
flow_send_runs (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  const BusWindow *window = &subscription->window;
  gboolean is_sent = FALSE;
  BusSlot *slot;

  while ((slot = flow_next_run (flow, subscription)) != NULL)
    {
      const guint n
          = bus_waiting_run_fits (slot->run, window->granted_messages - window->used_messages,
                                  window->granted_bytes - window->used_bytes, bus_flow_room (flow, slot->lane));
      const gboolean may_send = slot->ticket == NULL || bus_unsettled_can_add (flow, 1, FALSE);
      const guint done = may_send ? bus_outq_put_waiting (&flow->outq, slot->run, n) : 0;

      if (done > 0)
        flow_encoded_of_run (flow, slot, done, now_us);
      if (done < n)
        return FALSE;
      is_sent = TRUE;
    }
  slot = subscription->fifo->first_waiting;
  return is_sent && slot != NULL && slot->run == NULL && bus_subscription_is_open (subscription);
}

/* TRUE if nothing waits for the subscription, and no entry waits for the peer: then there is nothing to queue or to encode. */
static gboolean
flow_is_idle (const BusFlow *flow, const BusSubscription *subscription)
{
  return subscription->fifo->first == NULL && flow->lanes[WIRE_LANE_CONTROL].first == NULL
         && flow->lanes[WIRE_LANE_DATA].first == NULL && flow->soft_since_us == 0;
}

/* Sends waiting runs directly. If messages are left in the lane, for example because the queue has no room for their frames, later
 * messages must not overtake them: only then runs are unpacked, so that their messages enter the lane. */
static void
flow_send_waiting (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  do
    {
      bus_fifo_advance_to_run (flow, subscription, now_us);
      bus_flow_send_gaps (flow, subscription, now_us);
      bus_flow_pump (flow, now_us);
    }
  while (flow_send_runs (flow, subscription, now_us));
  if (subscription->fifo->first_waiting != NULL && bus_subscription_is_open (subscription))
    {
      bus_fifo_advance (flow, subscription, now_us);
      bus_flow_pump (flow, now_us);
    }
  else if (flow->soft_since_us != 0)
    bus_flow_note_level (flow, now_us); /* bus_flow_pump() ran before these runs were sent */
}

void
bus_flow_resume (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  if (!flow_is_idle (flow, subscription))
    flow_send_waiting (flow, subscription, now_us);
  bus_block_check_drained (flow, subscription, now_us);
}

void
bus_flow_resume_all (BusFlow *flow, const BusSubscriptions *subscriptions, gint64 now_us)
{
  BusSubscription *subscription;
  guint at = 0;

  bus_flow_pump (flow, now_us);
  while ((subscription = bus_subscriptions_next (subscriptions, &at)) != NULL)
    if (subscription->fifo->first_waiting != NULL && bus_subscription_is_open (subscription))
      bus_flow_resume (flow, subscription, now_us);
}

void
bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  bus_unsettled_settle (flow, subscription, now_us);
  bus_flow_resume (flow, subscription, now_us);
}
