/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"

/*
 * PUBLISH: a message to the subscribers of a topic, to one peer (a target) or to all peers (BROADCAST).
 *
 * Order of the checks: form, rights, features, number of a resend, causes. A message that passes them is accepted, routed,
 * acknowledged if its publisher asked for it, and recorded. A message that is sent at least once or waits for DELIVERED is
 * refused as a whole if one of its receivers has no room for it.
 */
void dispatch_handle_publish (DispatchCall *call);
