/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * Reads the reports of peers about themselves while the broker routes them: Heartbeat on control.health.heartbeat.{id} and
 * HealthReport on control.health.status.{id}. Both are ordinary messages. The policy allows each peer to publish to the topics
 * with its own id only, so a message is read after the policy has authorised it. A message with another topic, or that cannot
 * be decoded, does not change the health of its sender.
 *
 * The units of a report are kept with the peer (bus-health) and charged to it. A client that sends heartbeats and no reports
 * has one unit without a name, for the health that its heartbeats contain.
 *
 * Invariant: a message changes the health of its sender only.
 */

typedef struct
{
  gboolean is_answer;  /* a heartbeat: the main loop of the peer runs */
  gboolean is_changed; /* the reported health has changed */
} BusHealthReading;

/* Reads a message that @peer publishes. Its topic was authorised. */
BusHealthReading bus_health_report_read (BusPeer *peer, WireSpan topic, WireSpan payload);

/* Frees the units of @peer. */
void bus_health_report_forget (BusPeer *peer);
