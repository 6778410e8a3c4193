/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.lost: a publisher reports messages that it accepted from its program and could not send.
 *
 * A client keeps what is published while it is not connected, within bounds. A message that it drops would be a silent loss for the
 * subscribers, so it reports topics and numbers when it is connected again. The broker treats them like messages that arrived
 * and were lost at once: each plain subscription to the topic, and of each group one member that takes part, gets them counted as
 * missed and reported by a GAP with the reason UNKNOWN. A filter of a subscription is not evaluated, because nothing but the topic is known.
 *
 * Only topics to which the asker may publish are reported; the others are counted in the answer.
 *
 * Invariant: the call changes counters and gaps only; no message is queued or dropped by it.
 */

void bus_lost_answer (const BusCall *call);
