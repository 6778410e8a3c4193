/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-lane.h"

#define RETRY_US (100 * G_TIME_SPAN_MILLISECOND)

/* The cost of the entry alone: bus-fifo adds the message for each slot. */
static gsize
lane_entry_cost (const BusEntry *entry)
{
  return sizeof (BusEntry) + (entry->plain ? bus_message_cost (entry->message) : 0);
}

static BusEntry *
lane_append (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery, gboolean plain)
{
  BusEntry *entry = bus_cells_take_or_null (&flow->shared->quota->cells, sizeof (BusEntry));
  gsize cost;

  if (entry == NULL)
    return NULL;
  entry->previous = flow->lanes[lane].last;
  entry->next = NULL;
  entry->message = bus_message_ref (message);
  entry->lane = lane;
  entry->delivery = *delivery;
  entry->slots = NULL;
  entry->plain = plain;
  if (entry->previous != NULL)
    entry->previous->next = entry;
  else
    flow->lanes[lane].first = entry;
  flow->lanes[lane].last = entry;
  cost = lane_entry_cost (entry);
  flow->lanes[lane].bytes += cost;
  flow->waiting_bytes += cost;
  bus_quota_charge (flow->shared->quota, &flow->ledger->usage, cost - sizeof (BusEntry));
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, sizeof (BusEntry));
  return entry;
}

BusEntry *
bus_lane_enter (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery)
{
  return lane_append (flow, lane, message, delivery, FALSE);
}

gboolean
bus_lane_enter_plain (BusFlow *flow, WireLane lane, BusMessage *message, const BusDelivery *delivery)
{
  return lane_append (flow, lane, message, delivery, TRUE) != NULL;
}

void
bus_lane_leave (BusFlow *flow, BusEntry *entry)
{
  gsize cost = lane_entry_cost (entry);

  g_assert (entry->slots == NULL && flow->waiting_bytes >= cost && flow->lanes[entry->lane].bytes >= cost);
  if (entry->previous != NULL)
    entry->previous->next = entry->next;
  else
    flow->lanes[entry->lane].first = entry->next;
  if (entry->next != NULL)
    entry->next->previous = entry->previous;
  else
    flow->lanes[entry->lane].last = entry->previous;
  flow->lanes[entry->lane].bytes -= cost;
  flow->waiting_bytes -= cost;
  bus_quota_refund (flow->shared->quota, &flow->ledger->usage, cost - sizeof (BusEntry));
  bus_quota_unkeep (flow->shared->quota, &flow->ledger->usage, sizeof (BusEntry));
  bus_message_unref (entry->message);
  bus_cells_give (&flow->shared->quota->cells, entry);
}

void
bus_lane_retry (BusFlow *flow, gint64 now_us)
{
  if (!bus_deadline_is_armed (&flow->retry_timer.deadline))
    bus_deadline_arm (flow->shared->deadlines, &flow->retry_timer.deadline, now_us + RETRY_US);
}
