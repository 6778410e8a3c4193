/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a connection, and the effect of each event in each state.
 *
 * One table has an entry for each state and each event: the next state, "ignored" (the event is counted), or "error" (the event
 * cannot occur in this state). bus_peer_on() is the only function that applies it. The table itself does not access a peer.
 *
 *   HELLO -> READY -> CLOSING     the usual life
 *   HELLO -> WAITING -> READY     another connection had its id, and has ended or was closed
 *   HELLO, WAITING -> CLOSING     refused, or ended before it was ready
 *
 * Invariant: no event leads out of CLOSING.
 */

typedef enum
{
  BUS_PEER_HELLO,   /* connected; HELLO has not been accepted */
  BUS_PEER_WAITING, /* its HELLO is good, but another connection has its id (bus-takeover) */
  BUS_PEER_READY,
  BUS_PEER_CLOSING, /* GOODBYE is queued, or the connection has ended */
  BUS_PEER_N_STATES
} BusPeerState;

typedef enum
{
  BUS_PEER_ON_ACCEPT,    /* its HELLO is accepted */
  BUS_PEER_ON_DEFER,     /* its HELLO waits for the connection that has its id */
  BUS_PEER_ON_INPUT,     /* bytes arrive */
  BUS_PEER_ON_HELLO_DUE, /* it was not ready in time */
  BUS_PEER_ON_FRAME_DUE, /* a frame was not complete in time after its first byte */
  BUS_PEER_ON_TAKEOVER,  /* a newer connection takes its id over */
  BUS_PEER_ON_CLOSE,     /* the broker closes it for another reason, or it sent GOODBYE */
  BUS_PEER_ON_END,       /* the link has ended */
  BUS_PEER_N_EVENTS
} BusPeerEvent;

typedef enum
{
  BUS_PEER_STEP_MISSING, /* the table has no entry, which is an error of the table */
  BUS_PEER_STEP_NEXT,
  BUS_PEER_STEP_IGNORED,
  BUS_PEER_STEP_ERROR, /* the event cannot occur, unless the core has an error */
} BusPeerStepKind;

typedef struct
{
  BusPeerStepKind kind;
  BusPeerState next; /* with NEXT; may be the same state */
} BusPeerStep;

const BusPeerStep *bus_peer_step (BusPeerState state, BusPeerEvent event);
