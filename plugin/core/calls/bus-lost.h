/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.lost: a publisher reports messages that its program published, but that it could not send.
 *
 * While a client is not connected it keeps messages up to some bounds. A message that it drops would be a silent loss for the
 * subscribers, so it reports topics and numbers of such messages when it is connected again. The broker treats them like messages
 * that arrived and were lost at once. For each plain subscription to the topic, and for one member of each group, they are
 * counted as missed and reported by a GAP with the reason UNKNOWN. Filters of subscriptions are not evaluated, because only the
 * topic is known.
 *
 * Losses on topics to which the asker may not publish are not reported; the answer has the number of these topics.
 *
 * Invariant: the call changes only counters and gaps; it neither queues nor drops a message.
 */

void bus_lost_answer (const BusCall *call);
