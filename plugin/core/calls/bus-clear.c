/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-clear.h"

#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-retain.h"
#include "control.pb-c.h"
#include "wire-topic.h"

void
bus_clear_answer (const BusCall *call)
{
  const Daemoneye__Eventbus__V1__ClearRequest *request = call->request;
  WireSpan pattern = wire_span_str (request->pattern);
  WireTopicCheck check = wire_pattern_check (pattern, &call->core->topic_limits);
  Daemoneye__Eventbus__V1__ClearReply reply;

  if (check.status != WIRE_STATUS_OK)
    {
      bus_peer_error (call->peer, call->id, check.status, check.problem);
      return;
    }
  daemoneye__eventbus__v1__clear_reply__init (&reply);
  reply.cleared = bus_retain_clear_matching (call->core, pattern);
  bus_reply_message (call->peer, call->id, &reply.base);
}
