/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health.h"
#include "work/bus-health-report.h"

/*
 * Watches the health of connected peers: all but tools. It turns what bus-health counts into events of the states, and does what
 * follows from a change.
 *
 * Worse is at once: DEGRADED with the first sign that is missed, or with a unit that is not healthy; UNRESPONSIVE with the second
 * one, FAILED with the third. Better is one step at a time: DEGRADED when no signal misses anything, HEALTHY when that, and no
 * complaint, has lasted for two rounds (one, if it only complained). So a peer that flaps does not publish a change for each frame.
 *
 * A round that the broker itself was late for counts as nothing (bus-grace). An unresponsive member is SUSPECT (bus-trust). With the
 * setting health-failed-action a connection that is FAILED is closed; that is an end by the broker, and no death of its tasks.
 *
 * Changes of a state are published at once (bus-health-news), changes of a reason at most once in BUS_HEALTH_NEWS_US.
 */

#define BUS_HEALTH_NEWS_US (100 * G_TIME_SPAN_MILLISECOND)

/* Its HELLO was accepted; its connection ends. */
void bus_health_watch_begin (BusPeer *peer);
void bus_health_watch_end (BusPeer *peer);

/* A frame of a silent peer arrived (health.is_silent). */
void bus_health_watch_heard (BusPeer *peer);
/* A PONG. */
void bus_health_watch_answered (BusPeer *peer);
/* Its connection took bytes. */
void bus_health_watch_taken (BusPeer *peer);
/* A message of it that bus_health_report_read() has read was published. */
void bus_health_watch_reported (BusPeer *peer, BusHealthReading reading);

void bus_health_watch_due (BusPeer *peer);
