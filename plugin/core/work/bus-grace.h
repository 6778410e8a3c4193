/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Grace: when the broker itself was late, it is not the fault of the collectors.
 *
 * A broker that was stopped for ten seconds finds the timers of all heartbeats and leases due, while the frames that would
 * have met them still wait in the sockets. So such a timer gets its lag back, at most one period of it. The lag is measured
 * by the timer that is due: the time now minus the time at which it was due. All timers that are due in one input call get
 * grace, and then none for a minute: a host that is too slow all the time has no leases otherwise. Total deadlines never get any.
 */

#define BUS_GRACE_LAG_US   (100 * G_TIME_SPAN_MILLISECOND) /* a smaller lag is none */
#define BUS_GRACE_PAUSE_US G_TIME_SPAN_MINUTE

typedef struct
{
  gint64 given_us; /* time of the input call in which it was given last; 0: never */
} BusGrace;

/* The further time of a timer that was due at @due_us; 0: it is due. */
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
