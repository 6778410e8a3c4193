/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-delivery-state.h"

/* clang-format off */
static const guint8 delivery_transitions[BUS_N_DELIVERY_STATES][BUS_N_DELIVERY_EVENTS] = {
  [BUS_DELIVERY_OFFERED] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_WAITING,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_SENT,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_LOST,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_NEVER, /* the router picks a member once */
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
  [BUS_DELIVERY_WAITING] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_QUEUED,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER, /* nothing is sent without credit */
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_LOST,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_WITHDRAWN,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
  [BUS_DELIVERY_QUEUED] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_SENT,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_LOST,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_WITHDRAWN,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
  [BUS_DELIVERY_SENT] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_SETTLED,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_WITHDRAWN,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_UNKNOWN,
  },
  [BUS_DELIVERY_SETTLED] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
  [BUS_DELIVERY_LOST] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
  [BUS_DELIVERY_WITHDRAWN] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_IGNORED, /* this member has handled what another one got as a repeat */
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_LOST, /* nobody took it over */
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_IGNORED, /* the other member has it */
  },
  [BUS_DELIVERY_UNKNOWN] = {
    [BUS_DELIVERY_ON_WAIT]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_CREDIT]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SEND]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_SETTLE]   = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_LOSE]     = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_WITHDRAW] = BUS_DELIVERY_NEVER,
    [BUS_DELIVERY_ON_END]      = BUS_DELIVERY_NEVER,
  },
};
/* clang-format on */

guint
bus_delivery_transition (BusDeliveryState state, BusDeliveryEvent event)
{
  g_assert (state < BUS_N_DELIVERY_STATES && event < BUS_N_DELIVERY_EVENTS);
  return delivery_transitions[state][event];
}

BusDeliveryState
bus_delivery_next (BusDeliveryState state, BusDeliveryEvent event)
{
  guint verdict = bus_delivery_transition (state, event);

  g_assert (verdict != 0 && verdict != BUS_DELIVERY_NEVER);
  return verdict == BUS_DELIVERY_IGNORED ? state : (BusDeliveryState) verdict;
}

const char *
bus_delivery_state_name (BusDeliveryState state)
{
  static const char *const names[BUS_N_DELIVERY_STATES]
      = { NULL, "offered", "waiting", "queued", "sent", "settled", "lost", "withdrawn", "unknown outcome" };

  return state < BUS_N_DELIVERY_STATES && names[state] != NULL ? names[state] : "unknown";
}

const char *
bus_delivery_event_name (BusDeliveryEvent event)
{
  static const char *const names[BUS_N_DELIVERY_EVENTS]
      = { "wait", "credit", "send", "settle", "lose", "withdraw", "end" };

  return event < BUS_N_DELIVERY_EVENTS ? names[event] : "unknown";
}
