/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a registered collector, and the effect of each event in each state.
 *
 * One table has an entry for each state and each event: the next state, "ignored" (the event is counted), or "error" (the event
 * cannot occur in this state). bus_member_on() (bus-member.h) is the only function that applies it. The table itself does not
 * access a member.
 *
 *   REGISTERED <-> READY <-> SUSPECT          serves its task topic; is silent, or all its slots are zombies
 *   READY, SUSPECT -> SET_ASIDE -> READY      failed too often; the time is over
 *   any -> DRAINING                           there is no way back but a new registration
 *   any -> GONE
 *
 * Invariant: no event leads out of GONE.
 */

typedef enum
{
  BUS_MEMBER_REGISTERED, /* it does not serve its task topic */
  BUS_MEMBER_READY,      /* it gets tasks */
  BUS_MEMBER_SUSPECT,    /* no offers until it answers */
  BUS_MEMBER_SET_ASIDE,  /* no offers for a time */
  BUS_MEMBER_DRAINING,   /* no offers; it finishes what it has */
  BUS_MEMBER_GONE,       /* its registration has ended; its leases are being settled */
  BUS_MEMBER_N_STATES
} BusMemberState;

typedef enum
{
  BUS_MEMBER_ON_REGISTER,  /* it registers, for the first time or again */
  BUS_MEMBER_ON_SERVE,     /* it serves its own task topic */
  BUS_MEMBER_ON_UNSERVE,   /* it does not serve it any more */
  BUS_MEMBER_ON_DOUBT,     /* its connection is unresponsive, or every slot is a zombie */
  BUS_MEMBER_ON_TRUST,     /* neither of these two reasons applies any more */
  BUS_MEMBER_ON_HOLD,      /* it failed too often, and no protection applies */
  BUS_MEMBER_ON_HOLD_OVER, /* the time is over */
  BUS_MEMBER_ON_DRAIN,     /* the collector, or a peer with the right to, asked for it */
  BUS_MEMBER_ON_END,       /* deregistered, or the connection ended */
  BUS_MEMBER_N_EVENTS
} BusMemberEvent;

typedef enum
{
  BUS_MEMBER_STEP_MISSING, /* no entry: a fault of the table */
  BUS_MEMBER_STEP_NEXT,
  BUS_MEMBER_STEP_IGNORED,
  BUS_MEMBER_STEP_ERROR, /* cannot occur: it would be a fault of the core */
} BusMemberStepKind;

typedef struct
{
  BusMemberStepKind kind;
  BusMemberState next; /* with NEXT; may be the same state */
} BusMemberStep;

const BusMemberStep *bus_member_step (BusMemberState state, BusMemberEvent event);

/* "set-aside" */
const char *bus_member_state_name (BusMemberState state);
