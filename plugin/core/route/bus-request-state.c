/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request-state.h"

/* clang-format off */
static const guint8 transitions[BUS_N_REQUEST_STATES][BUS_N_REQUEST_EVENTS] = {
  [BUS_REQUEST_QUEUED] = {
    [BUS_REQUEST_ON_SENT]     = BUS_REQUEST_SENT,
    [BUS_REQUEST_ON_MOVED]    = BUS_REQUEST_QUEUED,
    [BUS_REQUEST_ON_PART]     = BUS_REQUEST_REFUSED, /* the responder guessed the route */
    [BUS_REQUEST_ON_FINAL]    = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_DRAINED]  = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_CANCEL]   = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_DECLINED] = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_GONE]     = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_EXPIRED]  = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_FULL]     = BUS_REQUEST_ENDED,
  },
  [BUS_REQUEST_SENT] = {
    [BUS_REQUEST_ON_SENT]     = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_MOVED]    = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_PART]     = BUS_REQUEST_SENT,
    [BUS_REQUEST_ON_FINAL]    = BUS_REQUEST_ANSWERED,
    [BUS_REQUEST_ON_DRAINED]  = BUS_REQUEST_IGNORED,
    [BUS_REQUEST_ON_CANCEL]   = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_DECLINED] = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_GONE]     = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_EXPIRED]  = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_FULL]     = BUS_REQUEST_ENDED,
  },
  [BUS_REQUEST_ANSWERED] = {
    [BUS_REQUEST_ON_SENT]     = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_MOVED]    = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_PART]     = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_FINAL]    = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_DRAINED]  = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_CANCEL]   = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_DECLINED] = BUS_REQUEST_IGNORED,
    [BUS_REQUEST_ON_GONE]     = BUS_REQUEST_IGNORED, /* its last reply has arrived before */
    [BUS_REQUEST_ON_EXPIRED]  = BUS_REQUEST_ENDED,
    [BUS_REQUEST_ON_FULL]     = BUS_REQUEST_ENDED,
  },
  [BUS_REQUEST_ENDED] = {
    [BUS_REQUEST_ON_SENT]     = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_MOVED]    = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_PART]     = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_FINAL]    = BUS_REQUEST_REFUSED,
    [BUS_REQUEST_ON_DRAINED]  = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_CANCEL]   = BUS_REQUEST_IGNORED,
    [BUS_REQUEST_ON_DECLINED] = BUS_REQUEST_IGNORED,
    [BUS_REQUEST_ON_GONE]     = BUS_REQUEST_IGNORED,
    [BUS_REQUEST_ON_EXPIRED]  = BUS_REQUEST_NEVER,
    [BUS_REQUEST_ON_FULL]     = BUS_REQUEST_IGNORED,
  },
};
/* clang-format on */

guint
bus_request_transition (BusRequestState state, BusRequestEvent event)
{
  g_assert (state < BUS_N_REQUEST_STATES && event < BUS_N_REQUEST_EVENTS);
  return transitions[state][event];
}

const char *
bus_request_state_name (BusRequestState state)
{
  static const char *const names[BUS_N_REQUEST_STATES] = { NULL, "queued", "sent", "answered", "ended" };

  return state < BUS_N_REQUEST_STATES && names[state] != NULL ? names[state] : "unknown";
}

const char *
bus_request_event_name (BusRequestEvent event)
{
  static const char *const names[BUS_N_REQUEST_EVENTS]
      = { "sent", "moved", "part", "final", "drained", "cancel", "declined", "gone", "expired", "full" };

  return event < BUS_N_REQUEST_EVENTS ? names[event] : "unknown";
}
