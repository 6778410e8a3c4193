/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Grace: more time for members when the broker itself was late.
 *
 * A broker that was stopped for ten seconds finds the timers of all heartbeats and leases expired, while the frames that would
 * have stopped these timers still wait in the sockets. Without grace every collector would count as silent at once. So such a
 * timer is extended by its lag, at most by one period of the timer. The lag of a timer is the time now minus the time at which it
 * was due. All timers that expire in one input call get grace, and then no timer gets any for a minute: on a host that is always
 * too slow, leases would never expire otherwise.
 *
 * Invariant: grace is given in at most one input call in a minute, and never to the deadline of a task.
 */

#define BUS_GRACE_LAG_US   (100 * G_TIME_SPAN_MILLISECOND) /* a smaller lag gets no grace */
#define BUS_GRACE_PAUSE_US G_TIME_SPAN_MINUTE

typedef struct
{
  gint64 given_us; /* input call in which grace was given last; 0: never */
} BusGrace;

/* Returns the additional time of a timer that was due at @due_us; 0: the timer has expired. */
static inline gint64
bus_grace_take (BusGrace *grace, gint64 due_us, gint64 period_us, gint64 now_us)
{
  const gint64 lag_us = now_us - due_us;

  if (lag_us < BUS_GRACE_LAG_US)
    return 0;
  if (grace->given_us != 0 && grace->given_us != now_us && now_us - grace->given_us < BUS_GRACE_PAUSE_US)
    return 0;
  grace->given_us = now_us;
  return MIN (lag_us, period_us);
}
