/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-watch.h"
#include "procmond-health.h"

/*
 * Publishes the events of procmond, and never waits: a subscriber with the policy block that stands still must not keep
 * procmond from answering.
 *
 * Events are sent only while half of the credit is left, so that large replies can be sent, too. The others wait here.
 * Their number and bytes are bounded; what does not fit is lost, counted, logged and reported as degraded health until no
 * event waits any more. Each event takes a sequence number, also a lost one, so that subscribers see the gap.
 *
 * Invariant: events are published in order, and published, waiting and lost ones add up to the sequence number.
 */

#define PROCMOND_WAITING_MAX   1024u
#define PROCMOND_WAITING_BYTES (4u << 20)

typedef struct ProcmondEvents ProcmondEvents;

/* @client, @health: borrowed. */
ProcmondEvents *procmond_events_new (DeyeBusClient *client, ProcmondHealth *health);
void procmond_events_free (ProcmondEvents *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcmondEvents, procmond_events_free)

void procmond_events_publish (ProcmondEvents *self, const ProcEvent *event, gint64 poll_interval_us);
