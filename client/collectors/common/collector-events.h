/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * Publishes the events of a collector on one topic, and never waits: a stalled subscriber with the policy block must not prevent
 * the collector from answering requests.
 *
 * Events are sent only while at least half of the credit is left, so that large replies can be sent, too. Other events wait in
 * this module. Their number and bytes are limited. Events that do not fit are lost; they are counted and logged, and the unit
 * `publishing` is reported as degraded until no event waits any more. Each event has a sequence number, including lost
 * events, so that subscribers see the gap.
 *
 * Invariant: events are published in order, and the published, waiting and lost events add up to the sequence number.
 */

#define COLLECTOR_WAITING_MAX   1024u
#define COLLECTOR_WAITING_BYTES (4u << 20)
#define COLLECTOR_UNIT_EVENTS   "publishing"

typedef struct CollectorEvents CollectorEvents;

/* @collector: borrowed. @topic, @type: constants: the topic of the events, and the full name of their protobuf type. */
CollectorEvents *collector_events_new (DeyeBusCollector *collector, const char *topic, const char *type);
/* Also logs the number of events that were not published. */
void collector_events_free (CollectorEvents *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CollectorEvents, collector_events_free)

/* Returns the largest size of an event's payload, in bytes. */
gsize collector_events_room (CollectorEvents *self);
void collector_events_publish (CollectorEvents *self, GBytes *payload);
/* Does the same for an event that the caller can offer again. FALSE: it does not fit now; it is not lost, and has no sequence
 * number. */
gboolean collector_events_offer (CollectorEvents *self, GBytes *payload);
/* Returns the number of events that were lost so far. */
guint64 collector_events_get_lost (const CollectorEvents *self);
