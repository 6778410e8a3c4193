/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * Publishes the events of a collector on one topic, and never waits: a subscriber with the policy block that stands still must
 * not keep the collector from answering.
 *
 * Events are sent only while half of the credit is left, so that large replies can be sent, too. The others wait here.
 * Their number and bytes are bounded; what does not fit is lost, counted, logged and reported as degraded health of the unit
 * publishing until no event waits any more. Each event takes a sequence number, also a lost one, so that subscribers see the
 * gap.
 *
 * Invariant: events are published in order, and published, waiting and lost ones add up to the sequence number.
 */

#define COLLECTOR_WAITING_MAX   1024u
#define COLLECTOR_WAITING_BYTES (4u << 20)
#define COLLECTOR_UNIT_EVENTS   "publishing"

typedef struct CollectorEvents CollectorEvents;

/* @collector: borrowed. @topic, @type: constants: where events are published, and the full name of their protobuf type. */
CollectorEvents *collector_events_new (DeyeBusCollector *collector, const char *topic, const char *type);
/* Logs how many events were not published. */
void collector_events_free (CollectorEvents *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CollectorEvents, collector_events_free)

/* The bytes that the payload of an event may have. */
gsize collector_events_room (CollectorEvents *self);
void collector_events_publish (CollectorEvents *self, GBytes *payload);
/* The same for an event that can be offered again. FALSE: it does not fit now; it is not lost, and takes no sequence number. */
gboolean collector_events_offer (CollectorEvents *self, GBytes *payload);
/* Events that were not published so far. */
guint64 collector_events_get_lost (const CollectorEvents *self);
