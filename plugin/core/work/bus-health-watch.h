/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health.h"
#include "work/bus-health-report.h"

/*
 * Watches the health of all connected peers except tools. It turns the counts of bus-health into events of the state machine,
 * and acts on the changes.
 *
 * The state gets worse at once: DEGRADED with the first missed sign of life, or with a unit that is not healthy; UNRESPONSIVE
 * with the second missed sign, FAILED with the third. It gets better in steps: DEGRADED when no signal has a missed sign any
 * more; HEALTHY when this has lasted for two rounds and all units are healthy (one round, if no sign was missed and only units
 * were unhealthy). So a peer that flaps does not publish a change for each frame.
 *
 * A round for which the broker itself was late does not count (bus-grace). A member that is UNRESPONSIVE becomes SUSPECT
 * (bus-trust). With the setting health-failed-action the broker closes the connection of a FAILED peer. That is an end by the
 * broker: it does not count as a death for the tasks of the peer.
 *
 * A change of the state is published at once (bus-health-news), a change of its reason at most once in BUS_HEALTH_NEWS_US.
 *
 * Invariant: the timer of a peer that is watched and is not being closed is armed.
 */

#define BUS_HEALTH_NEWS_US (100 * G_TIME_SPAN_MILLISECOND)

/* Begins to watch @peer, whose HELLO was accepted; ends it when the connection ends. */
void bus_health_watch_begin (BusPeer *peer);
void bus_health_watch_end (BusPeer *peer);

/* A frame of a silent peer (health.is_silent) arrived. */
void bus_health_watch_note_frame (BusPeer *peer);
/* A PONG arrived. */
void bus_health_watch_answered (BusPeer *peer);
/* The connection of @peer accepted bytes. */
void bus_health_watch_taken (BusPeer *peer);
/* A message was published that bus_health_report_read() has read. */
void bus_health_watch_reported (BusPeer *peer, BusHealthReading reading);

/* The timer of @peer has expired. */
void bus_health_watch_due (BusPeer *peer);
