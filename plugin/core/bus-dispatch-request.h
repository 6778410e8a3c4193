/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"

/*
 * REQUEST, and the frames that answer or end it: REPLY, DELIVERED, CANCEL.
 *
 * A request to control.bus.* is answered by the broker itself; any other is sent to one server of its topic, or to all of
 * them if the requester expects more than one answer. An answer finds its request by the route that the broker gave to the
 * responder; an answer without a request is refused as late.
 */
void dispatch_handle_request (DispatchCall *call);
void dispatch_handle_reply (DispatchCall *call);
void dispatch_handle_delivered (DispatchCall *call);
void dispatch_handle_cancel (DispatchCall *call);
