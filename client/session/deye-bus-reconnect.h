/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The schedule of one client's attempts to connect.
 *
 * The delay before an attempt is random, between 0 and a bound that begins with 50 ms and doubles with each failure up to 1 s
 * (full jitter), so that clients that lost their connections at the same moment do not all reconnect at the same moment. If a
 * broker that is full asks for a delay, the client waits for that time. A change in the directory of the socket brings the next
 * attempt forward to within 50 ms. The number of attempts is not limited.
 *
 * The schedule reads no clock and opens no socket.
 *
 * Invariant: an attempt is due at most DEYE_BUS_RECONNECT_MAX_US after the last one failed, unless the broker asked for more.
 */

#define DEYE_BUS_RECONNECT_FIRST_US   (50 * G_TIME_SPAN_MILLISECOND)
#define DEYE_BUS_RECONNECT_MAX_US     G_TIME_SPAN_SECOND
#define DEYE_BUS_RECONNECT_WAKE_US    (50 * G_TIME_SPAN_MILLISECOND)
#define DEYE_BUS_RECONNECT_ATTEMPT_US (5 * G_TIME_SPAN_SECOND)  /* for connecting and WELCOME */
#define DEYE_BUS_RECONNECT_HINT_US    (60 * G_TIME_SPAN_SECOND) /* the longest delay that a broker may ask for */

typedef struct
{
  guint failures; /* since the client was last ready */
  gint64 due_us;  /* time of the next attempt; 0: none is planned */
  gint64 hold_us; /* the broker asked for no attempt before this time; 0: it did not ask */
} DeyeBusReconnect;

/* Returns a random number from 0 to @bound. */
typedef gint64 (*DeyeBusReconnectRandom) (gint64 bound, gpointer data);

/* Plans the first attempt, or the one that follows a failure. @hint_us: the delay that the broker asked for; 0: none. */
void deye_bus_reconnect_plan (DeyeBusReconnect *reconnect,
                              gint64 now_us,
                              gint64 hint_us,
                              DeyeBusReconnectRandom random,
                              gpointer data);
/* The attempt that was due begins. FALSE: none is due at @now_us. */
gboolean deye_bus_reconnect_begin (DeyeBusReconnect *reconnect, gint64 now_us);
/* The directory of the socket has changed: brings the next attempt forward. */
void deye_bus_reconnect_wake (DeyeBusReconnect *reconnect, gint64 now_us, DeyeBusReconnectRandom random, gpointer data);
/* The client is ready, or gives up: no attempt is planned, and the next failure counts as the first. */
void deye_bus_reconnect_reset (DeyeBusReconnect *reconnect);
