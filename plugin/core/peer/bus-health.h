/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-health-state.h"

/*
 * The health of one connected peer: what speaks for it and against it.
 *
 * Three signals, and of each the signs that were missed in a row. A *round* is an interval (task_heartbeat_us) that begins with
 * the last answer of the peer, or with the end of the round before. A round without an answer ends with a PING. Then each further
 * round without an answer is a miss:
 *
 *   CONNECTION  no frame arrived
 *   QUEUE       bytes have waited for its connection since before the round, and it took none of them
 *   LOOP        frames may have arrived, but no answer: a PONG, or a heartbeat. A busy sender whose main loop hangs gives none
 *
 * Beside them it may report *units*, parts of it that are not healthy. Only those are kept, at most BUS_HEALTH_UNITS_MAX, with
 * texts of bounded length; the others are counted.
 *
 * This module counts and keeps. It has no timer of its own and publishes nothing; bus-health-watch does, and decides which
 * event follows.
 */

#define BUS_HEALTH_UNITS_MAX   64u
#define BUS_HEALTH_NAME_MAX    64u /* bytes */
#define BUS_HEALTH_REASON_MAX  256u
#define BUS_HEALTH_MISSES_MAX  3u
#define BUS_HEALTH_CALM_ROUNDS 2u /* without a miss, until it is healthy again; one, if it only complained */

/* In the order in which they explain a state when several miss equally many: a peer that sends nothing, or reads nothing, does not
 * answer either. */
typedef enum
{
  BUS_HEALTH_CONNECTION,
  BUS_HEALTH_QUEUE,
  BUS_HEALTH_LOOP,
  BUS_HEALTH_N_SIGNALS
} BusHealthSignal;

/* The numbers are those of Health on the wire. */
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
  gint64 since_us; /* in this state */
  guint64 transitions;
  gboolean is_tracked;
  BusTimer timer;

  /* signals */
  guint missed[BUS_HEALTH_N_SIGNALS];
  gint64 round_due_us;  /* the end of the round */
  gint64 heard_us;      /* last frame */
  gint64 answered_us;   /* last answer */
  guint64 heard;        /* frames at the beginning of the round */
  gboolean is_answered; /* in this round */
  gboolean is_asked;    /* a PING was sent, and not answered */
  gboolean is_silent;   /* it misses frames: the next one has to be reported */
  gint64 queue_us;      /* the beginning of the interval of the queue, */
  gboolean was_queued;  /* whether bytes waited then, */
  gboolean is_taken;    /* and whether some were taken since */

  /* units */
  GPtrArray *units; /* BusHealthUnit: those that are not healthy; NULL: none */
  guint units_dropped;
  gboolean has_report; /* it sends reports, so the health in its heartbeats says nothing more */
  gsize charged;       /* to its peer, for all of this */

  /* bus-health-watch */
  gint64 calm_us;    /* it is healthy from then on, if nothing happens; 0: it is not on the way */
  guint calm_rounds; /* that it has to be calm for */
  gint64 news_us;    /* no news of a reason before this time */
  gboolean has_news;
  gboolean is_published; /* there is a retained record */
} BusHealth;

/* It is connected from now on. */
void bus_health_begin (BusHealth *health, gint64 period_us, gint64 now_us);
void bus_health_clear (BusHealth *health);

/* Applies an event to the state. FALSE: the state ignores it. */
gboolean bus_health_on (BusHealth *health, BusHealthEvent event, gint64 now_us);

/* --- signals --- */

/* The round is over. @received: frames of the peer so far. @queued: bytes that wait for it. TRUE: it has to be asked by a PING */
gboolean bus_health_end_round (BusHealth *health, guint64 received, gsize queued, gint64 period_us, gint64 now_us);

/* The round takes that much longer, and begins again for the queue: the broker itself was late. */
void bus_health_extend_round (BusHealth *health, gint64 more_us, gint64 now_us);

/* A sign came. TRUE, also below: the signal had missed some */
gboolean bus_health_heard (BusHealth *health);
/* An answer is a frame, too. */
gboolean bus_health_answered (BusHealth *health, gint64 now_us);
gboolean bus_health_taken (BusHealth *health);

/* Signs that the worst signal misses in a row. @signal: (out) (nullable): that one */
guint bus_health_missed (const BusHealth *health, BusHealthSignal *signal);

/* It gets no tasks. */
static inline gboolean
bus_health_is_unresponsive (const BusHealth *health)
{
  return health->state == BUS_HEALTH_UNRESPONSIVE || health->state == BUS_HEALTH_FAILED;
}

/* --- units --- */

/* @name, @reason: cut if they are too long. */
BusHealthUnit *bus_health_unit_new (BusUnitHealth health, const char *name, const char *reason);
void bus_health_unit_free (gpointer unit);

/* Replaces the units. @units: (transfer full) (nullable) (element-type BusHealthUnit). TRUE: they are other ones than before */
gboolean bus_health_set_units (BusHealth *health, GPtrArray *units, guint dropped);

/* Bytes of the units. */
gsize bus_health_units_size (const BusHealth *health);

/* --- the reason --- */

#define BUS_HEALTH_CAUSE_MAX 512u

/* Writes the cause of the state, a sentence; "": it is healthy. */
void bus_health_cause (const BusHealth *health, char cause[BUS_HEALTH_CAUSE_MAX]);
