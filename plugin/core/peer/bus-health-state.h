/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of the health of a connected peer, and the effect of each event in each state.
 *
 * One table has an entry for each state and each event: the next state, "ignored", or "error" (the event cannot occur in this
 * state). bus_health_on() (bus-health.h) is the only function that applies it. The table itself does not access a peer.
 *
 *   HEALTHY -> DEGRADED -> UNRESPONSIVE -> FAILED    one, two and three signs of life were missed in a row
 *   UNRESPONSIVE, FAILED -> DEGRADED                 all signals have signs again
 *   DEGRADED -> HEALTHY                              no sign was missed for some time, and it reports no unhealthy unit
 *   any -> GONE                                      its connection has ended
 *
 * Invariant: no event leads out of GONE.
 */

typedef enum
{
  BUS_HEALTH_HEALTHY,
  BUS_HEALTH_DEGRADED,     /* a sign was missed or a unit is not healthy, now or a short time ago */
  BUS_HEALTH_UNRESPONSIVE, /* two signs were missed in a row */
  BUS_HEALTH_FAILED,       /* three signs were missed in a row */
  BUS_HEALTH_GONE,         /* its connection has ended */
  BUS_HEALTH_N_STATES
} BusHealthState;

typedef enum
{
  BUS_HEALTH_ON_MISS,        /* the worst signal misses one sign */
  BUS_HEALTH_ON_SECOND_MISS, /* the worst signal misses two signs in a row */
  BUS_HEALTH_ON_THIRD_MISS,  /* three */
  BUS_HEALTH_ON_COMPLAINT,   /* no sign is missed, but the peer reports a unit that is not healthy */
  BUS_HEALTH_ON_SIGNS,       /* no signal misses a sign */
  BUS_HEALTH_ON_CALM, /* for some time no signal has missed a sign, and the peer has reported no unhealthy unit */
  BUS_HEALTH_ON_END,
  BUS_HEALTH_N_EVENTS
} BusHealthEvent;

typedef enum
{
  BUS_HEALTH_STEP_MISSING, /* the table has no entry, which is an error of the table */
  BUS_HEALTH_STEP_NEXT,
  BUS_HEALTH_STEP_IGNORED,
  BUS_HEALTH_STEP_ERROR, /* the event cannot occur, unless the core has an error */
} BusHealthStepKind;

typedef struct
{
  BusHealthStepKind kind;
  BusHealthState next; /* with NEXT */
} BusHealthStep;

const BusHealthStep *bus_health_step (BusHealthState state, BusHealthEvent event);

/* "unresponsive" */
const char *bus_health_state_name (BusHealthState state);
