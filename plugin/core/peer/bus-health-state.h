/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of the health of a connected peer, and what each event does in each of them.
 *
 * One table says for every state and event: the next state, that the event is ignored (and counted), or that it cannot
 * occur. bus_health_on() (bus-health.h) is the only function that applies it. This file knows nothing of a peer.
 *
 *   HEALTHY -> DEGRADED -> UNRESPONSIVE -> FAILED    signs are missed; each step as soon as it is due
 *   UNRESPONSIVE, FAILED -> DEGRADED -> HEALTHY      one step at a time: signs are back; for some time nothing was missed
 *   any -> GONE
 */

typedef enum
{
  BUS_HEALTH_HEALTHY,
  BUS_HEALTH_DEGRADED,     /* a sign was missed, or a unit is not healthy, or was so a moment ago */
  BUS_HEALTH_UNRESPONSIVE, /* two in a row */
  BUS_HEALTH_FAILED,       /* three in a row */
  BUS_HEALTH_GONE,         /* its connection has ended */
  BUS_HEALTH_N_STATES
} BusHealthState;

typedef enum
{
  BUS_HEALTH_ON_MISS,        /* the worst signal misses one sign in a row */
  BUS_HEALTH_ON_SECOND_MISS, /* two */
  BUS_HEALTH_ON_THIRD_MISS,  /* three */
  BUS_HEALTH_ON_COMPLAINT,   /* no sign is missed, but it reports a unit that is not healthy */
  BUS_HEALTH_ON_SIGNS,       /* no signal misses anything */
  BUS_HEALTH_ON_CALM,        /* ... and it has no complaint, for some time now */
  BUS_HEALTH_ON_END,
  BUS_HEALTH_N_EVENTS
} BusHealthEvent;

typedef enum
{
  BUS_HEALTH_STEP_MISSING, /* no entry: a fault of the table */
  BUS_HEALTH_STEP_NEXT,
  BUS_HEALTH_STEP_IGNORED,
  BUS_HEALTH_STEP_ERROR, /* cannot occur: a fault of the core */
} BusHealthStepKind;

typedef struct
{
  BusHealthStepKind kind;
  BusHealthState next; /* with NEXT */
} BusHealthStep;

const BusHealthStep *bus_health_step (BusHealthState state, BusHealthEvent event);

/* "unresponsive" */
const char *bus_health_state_name (BusHealthState state);
