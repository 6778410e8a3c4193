/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * Reports of peers about themselves, which the broker reads while it routes them: Heartbeat on control.health.heartbeat.{id} and
 * HealthReport on control.health.status.{id}. Both are ordinary messages, which the policy allows their own peer only, so they
 * are read after that has decided. A message that is none of these, or can't be read, says nothing about the health of its
 * sender.
 *
 * The units are kept with the peer (bus-health) and charged to it. The health in the heartbeats of a client that sends no reports
 * counts as a unit without a name.
 */

typedef struct
{
  gboolean is_answer;  /* a heartbeat: its main loop runs */
  gboolean is_changed; /* it reports something else than before */
} BusHealthReading;

/* Called for each publish of @peer; its topic was authorised. */
BusHealthReading bus_health_report_read (BusPeer *peer, WireSpan topic, WireSpan payload);

/* Frees the units. */
void bus_health_report_forget (BusPeer *peer);
