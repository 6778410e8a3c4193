/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"

/*
 * REQUEST, and the frames that answer or end it: REPLY, DELIVERED, CANCEL.
 *
 * A request to control.bus.* is answered by the broker itself (calls/). Any other request is sent to one server of its topic, or
 * to all of them if the requester expects more than one answer. A responder copies the route id of the request into its answer, by
 * which the broker finds the pending request.
 *
 * Invariant: an answer that matches no pending request of its sender is refused as late (EXPIRED), and changes nothing.
 */
void dispatch_handle_request (DispatchCall *call);
void dispatch_handle_reply (DispatchCall *call);
void dispatch_handle_delivered (DispatchCall *call);
void dispatch_handle_cancel (DispatchCall *call);
