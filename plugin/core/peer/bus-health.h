/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-health-state.h"

/*
 * The health of one connected peer: the signs of life that it missed, and the problems that it reports itself.
 *
 * There are three signals; for each, the number of signs that were missed in a row is counted. A *round* is an interval
 * (task_heartbeat_us) that begins with the last answer of the peer, or with the end of the previous round. An answer is a PONG or
 * a heartbeat. If a round ends without an answer, the broker sends PING, and each further round without an answer is a miss.
 *
 *   CONNECTION  a further round ended without an answer, and no frame arrived in it
 *   LOOP        a further round ended without an answer; other frames may have arrived, because a process can send messages from
 *               one thread while its main loop hangs
 *   QUEUE       bytes have waited for the connection for an interval, and the peer read none of them, whether or not it answered
 *
 * A peer may also report *units*: parts of it that are not healthy. At most BUS_HEALTH_UNITS_MAX are kept, with texts of bounded
 * length; further ones are only counted.
 *
 * This module counts. It arms no timer and publishes nothing; bus-health-watch does, and decides which event follows.
 *
 * Invariant: a signal misses at most BUS_HEALTH_MISSES_MAX signs.
 */

#define BUS_HEALTH_UNITS_MAX  64u
#define BUS_HEALTH_NAME_MAX   64u /* bytes */
#define BUS_HEALTH_REASON_MAX 256u
#define BUS_HEALTH_MISSES_MAX 3u
#define BUS_HEALTH_RECOVERY_ROUNDS                                                                                     \
  2u /* rounds without a miss until it is healthy; one, if only a unit was the reason */

/* If several signals miss the same number of signs, the first one in this order explains the state: a peer that sends nothing or
 * reads nothing does not answer either. */
typedef enum
{
  BUS_HEALTH_CONNECTION,
  BUS_HEALTH_QUEUE,
  BUS_HEALTH_LOOP,
  BUS_HEALTH_N_SIGNALS
} BusHealthSignal;

/* The values are those of Health on the wire. */
typedef enum
{
  BUS_UNIT_HEALTHY = 1,
  BUS_UNIT_DEGRADED = 2,
  BUS_UNIT_UNHEALTHY = 3,
} BusUnitHealth;

typedef struct
{
  BusUnitHealth health;
  char *name; /* "": the peer as a whole */
  char *reason;
} BusHealthUnit;

typedef struct
{
  BusHealthState state;
  BusHealthState before;
  gint64 since_us; /* the time at which this state began */
  guint64 transitions;
  BusTimer timer;
  gboolean is_tracked;

  /* signals */
  guint missed[BUS_HEALTH_N_SIGNALS];
  gint64 round_due_us;   /* the end of the round */
  gint64 answered_us;    /* time of the last answer */
  guint64 frames_before; /* frames received before the round began */
  gboolean is_answered;  /* an answer arrived in this round */
  gboolean is_asked;     /* a PING was sent and not answered */
  gboolean is_silent;    /* CONNECTION misses signs: the next frame must be passed to bus_health_note_frame() */
  gint64 queue_us;       /* beginning of the interval that is measured for QUEUE */
  gboolean was_queued;   /* bytes waited at that time */
  gboolean is_taken;     /* the peer has read some bytes since that time */

  /* units */
  GPtrArray *units; /* BusHealthUnit that are not healthy; NULL: none */
  guint units_dropped;
  gboolean has_report; /* it sends reports, so the health in its heartbeats is ignored */
  gsize charged;       /* to its peer, for the units */

  /* bus-health-watch */
  gint64 recovery_us;    /* the time at which it becomes healthy, if no sign is missed until then; 0: not planned */
  guint recovery_rounds; /* number of rounds without a miss that this takes */
  gint64 news_us;        /* a new reason is not published before this time */
  gboolean has_news;
  gboolean is_published; /* a retained record about it exists */
} BusHealth;

/* Begins to watch a peer that has just connected. */
void bus_health_begin (BusHealth *health, gint64 period_us, gint64 now_us);
void bus_health_clear (BusHealth *health);

/* Applies an event to the state. FALSE: the state ignores it. */
gboolean bus_health_on (BusHealth *health, BusHealthEvent event, gint64 now_us);

/* --- signals --- */

/* Ends a round. @received: frames of the peer so far. @queued: bytes that wait for it. TRUE: the caller has to send PING */
gboolean bus_health_end_round (BusHealth *health, guint64 received, gsize queued, gint64 period_us, gint64 now_us);

/* The broker itself was late: moves the end of the round by @more_us from now, and restarts the measurement of QUEUE. */
void bus_health_extend_round (BusHealth *health, gint64 more_us, gint64 now_us);

/* A frame arrived. TRUE, here and below: the signal had missed signs, and misses none now */
gboolean bus_health_note_frame (BusHealth *health);
/* An answer arrived, which is a frame as well. */
gboolean bus_health_answered (BusHealth *health, gint64 now_us);
/* The peer read bytes that waited for it. */
gboolean bus_health_taken (BusHealth *health);

/* The number of signs that the worst signal misses in a row. @signal: (out) (nullable): the worst signal */
guint bus_health_missed (const BusHealth *health, BusHealthSignal *signal);

/* TRUE if the peer gets no tasks because of its health. */
static inline gboolean
bus_health_is_unresponsive (const BusHealth *health)
{
  return health->state == BUS_HEALTH_UNRESPONSIVE || health->state == BUS_HEALTH_FAILED;
}

/* --- units --- */

/* @name, @reason: copied, and cut if they are too long. */
BusHealthUnit *bus_health_unit_new (BusUnitHealth health, const char *name, const char *reason);
void bus_health_unit_free (gpointer unit);

/* Replaces the units. @units: (transfer full) (nullable) (element-type BusHealthUnit). TRUE: they differ from those before */
gboolean bus_health_set_units (BusHealth *health, GPtrArray *units, guint dropped);

/* Bytes of the units. */
gsize bus_health_units_size (const BusHealth *health);

/* --- the reason --- */

#define BUS_HEALTH_CAUSE_MAX 512u

/* Writes the cause of the state as a sentence, or "" if the peer is healthy. */
void bus_health_cause (const BusHealth *health, char cause[BUS_HEALTH_CAUSE_MAX]);
