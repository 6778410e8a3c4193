/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-room.h"

#include "queue/bus-unsettled.h"

/* --- checks --- */

guint64
bus_room_queue_max (const BusFlow *flow, gint64 now_us)
{
  const BusLimits *limits = flow->shared->limits;

  if (flow->soft_since_us != 0 && now_us - flow->soft_since_us >= (gint64) limits->queue_soft_timeout_us)
    return limits->queue_soft_bytes;
  return limits->queue_hard_bytes;
}

gsize
bus_room_own_bytes (const BusFlow *flow)
{
  return bus_flow_bytes (flow) - flow->held_bytes;
}

gboolean
bus_room_fits_peer (const BusFlow *flow, gsize cost, gint64 now_us)
{
  return bus_room_own_bytes (flow) + cost <= bus_room_queue_max (flow, now_us)
         && flow->waiting_messages - flow->held_messages < flow->shared->limits->queue_hard_messages;
}

/* If the queue is empty, a message may wait however large it is. */
static gboolean
room_fits_subscription (const BusSubscription *subscription, gsize len)
{
  guint64 messages = bus_room_bounded_messages (subscription);

  return messages == 0
         || (messages < subscription->bounds.messages
             && bus_room_bounded_bytes (subscription) + len <= subscription->bounds.bytes);
}

gboolean
bus_room_fits_many (const BusFlow *flow, const BusSubscription *subscription, guint64 messages, gsize bytes, gsize cost)
{
  const BusLimits *limits = flow->shared->limits;

  return bus_room_bounded_messages (subscription) + messages <= subscription->bounds.messages
         && bus_room_bounded_bytes (subscription) + bytes <= subscription->bounds.bytes
         && bus_flow_bytes (flow) + cost < MIN (limits->queue_soft_bytes, limits->queue_hard_bytes)
         && flow->waiting_messages - flow->held_messages + messages <= limits->queue_hard_messages;
}

gboolean
bus_room_could_fit_peer (const BusFlow *flow, const BusSubscription *subscription, gsize cost, gint64 now_us)
{
  guint64 own = bus_message_size ((gsize) bus_room_bounded_bytes (subscription))
                + bus_room_bounded_messages (subscription) * bus_room_cost (0);
  guint64 all = bus_room_own_bytes (flow);

  return (all > own ? all - own : 0) + cost <= bus_room_queue_max (flow, now_us);
}

static gsize
room_control_bytes (const BusFlow *flow)
{
  return bus_outq_lane_bytes (&flow->outq, WIRE_LANE_CONTROL) + flow->lanes[WIRE_LANE_CONTROL].bytes;
}

static gboolean
room_may_keep (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  BusExcess excess;

  return !need->is_kept || !bus_unsettled_excess (flow, subscription, need->len, &excess);
}

BusRoomFit
bus_room_fit (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  if (!room_may_keep (flow, subscription, need))
    return BUS_ROOM_OVER_OWN;
  if (!need->is_held && !need->is_kept
      && (!room_fits_subscription (subscription, need->len)
          || !bus_room_fits_peer (flow, bus_room_cost (need->len), need->now_us)))
    return BUS_ROOM_OVER_OWN;
  if (need->lane == WIRE_LANE_CONTROL && room_control_bytes (flow) > flow->shared->limits->control_queue_bytes)
    return BUS_ROOM_OVER_LANE;
  return BUS_ROOM_FITS;
}

gboolean
bus_room_to_send (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return bus_room_is_ready (subscription) && bus_flow_bytes (flow) < flow->shared->limits->queue_soft_bytes
         && room_may_keep (flow, subscription, need)
         && (bus_flow_lane_is_clear (flow, need->lane) || bus_room_fit (flow, subscription, need) == BUS_ROOM_FITS);
}

gboolean
bus_room_to_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return !bus_subscription_is_demoted (subscription) && bus_room_fit (flow, subscription, need) == BUS_ROOM_FITS;
}

/* --- the exceeded bound --- */

gboolean
bus_room_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess)
{
  const BusLimits *limits = flow->shared->limits;
  const BusQuota *quota = flow->shared->quota;
  const BusUsage *account = flow->ledger->usage.parent;
  const guint64 bytes_max = bus_room_queue_max (flow, need->now_us);
  const gsize cost = bus_room_cost (need->len);
  const gboolean is_first
      = subscription == NULL || bus_room_bounded_messages (subscription) == 0; /* the first message may always wait */
  const BusExcess rows[] = {
    { BUS_LIMIT_subscription_queue_messages, is_first ? G_MAXUINT64 : subscription->bounds.messages,
      is_first ? 0 : bus_room_bounded_messages (subscription) + 1 },
    { BUS_LIMIT_subscription_queue_bytes, is_first ? G_MAXUINT64 : subscription->bounds.bytes,
      is_first ? 0 : bus_room_bounded_bytes (subscription) + need->len },
    { BUS_LIMIT_queue_hard_messages, limits->queue_hard_messages, flow->waiting_messages - flow->held_messages + 1 },
    { bytes_max < limits->queue_hard_bytes ? BUS_LIMIT_queue_soft_bytes : BUS_LIMIT_queue_hard_bytes, bytes_max,
      bus_room_own_bytes (flow) + cost },
    { BUS_LIMIT_control_queue_bytes, limits->control_queue_bytes,
      need->lane == WIRE_LANE_CONTROL ? room_control_bytes (flow) : 0 },
    { BUS_LIMIT_uid_bytes, limits->uid_bytes, account != NULL ? account->charged + cost : 0 },
    { BUS_LIMIT_broker_bytes, quota->cap, quota->memory + cost },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].value > rows[i].most)
      {
        *excess = rows[i];
        return TRUE;
      }
  return FALSE;
}

gboolean
bus_room_excess_kept (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess)
{
  const guint64 most = flow->shared->limits->control_queue_bytes;

  if (bus_unsettled_excess (flow, subscription, need->len, excess))
    return TRUE;
  if (need->lane != WIRE_LANE_CONTROL || room_control_bytes (flow) <= most)
    return FALSE;
  *excess = (BusExcess){ BUS_LIMIT_control_queue_bytes, most, room_control_bytes (flow) };
  return TRUE;
}
