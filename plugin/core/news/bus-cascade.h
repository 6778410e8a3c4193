/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "wire-envelope.h"

/*
 * Cascades: a message that its causes forbid is refused, and the event system.cascade reports it.
 *
 * bus-lineage decides; this module answers the sender with CASCADE, adds a log record and publishes. The first refused message
 * of a peer is published at once, with its ids. Further ones are counted, and published once in BUS_REPORT_EVERY_US.
 *
 * Invariant: the sum of the counts in system.cascade is the number of refused messages.
 */

/* FALSE: the message was refused, and the peer got ERROR. @depth: (out): of the message, as it is known. It may publish an event,
 * so no match that was looked up before is valid after a refusal. */
gboolean bus_cascade_admit (BusPeer *peer, const WireEnvelope *envelope, guint32 *depth, gint64 now_us);

/* The timer: publishes what was counted. */
void bus_cascade_due (BusPeer *peer, gint64 now_us);

/* The peer ends: publishes what was counted, and disarms the timer. */
void bus_cascade_end (BusPeer *peer, gint64 now_us);
