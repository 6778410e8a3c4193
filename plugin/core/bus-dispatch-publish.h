/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-dispatch-call.h"

/*
 * PUBLISH: a message to the subscribers of a topic, to one peer (a target) or to all peers (BROADCAST).
 *
 * The checks in their order: id, size of the payload, grammar of the topic and right to publish, fields that do not fit together,
 * number of a resend, causes. (bus-dispatch has checked form and features.) A message that passes them is accepted, routed,
 * acknowledged if its publisher asked for an ACK, and recorded in the timeline.
 *
 * Invariant: a message is published as a whole or not at all. One that is delivered at least once is refused if the member of one
 * of its groups has no room to keep it.
 */
void dispatch_handle_publish (DispatchCall *call);
