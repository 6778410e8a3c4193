/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "wire-envelope.h"

/*
 * Cascades: messages that cause each other without end. A message that is too deep in a chain of causes, or among its own causes,
 * is refused, and the event system.cascade reports it.
 *
 * bus-lineage decides. This module answers the sender with CASCADE, adds a log record and publishes the event: for the first
 * refused message of a peer at once, with the ids of the message. Further refused messages of the peer are counted, and the event
 * reports their number at most once in BUS_REPORT_EVERY_US.
 *
 * Invariant: the sum of the counts in system.cascade is the number of refused messages.
 */

/* Checks the causes of a message. FALSE: it was refused, and the peer got ERROR. @depth: (out): of the message, as far as it is
 * known. A refusal may publish an event, so a match that was looked up before the call is not valid after it. */
gboolean bus_cascade_admit (BusPeer *peer, const WireEnvelope *envelope, guint32 *depth, gint64 now_us);

/* The report timer has expired: publishes the number of messages that were counted. */
void bus_cascade_due (BusPeer *peer, gint64 now_us);

/* The peer ends: publishes the number of messages that were counted, and disarms the timer. */
void bus_cascade_end (BusPeer *peer, gint64 now_us);
