/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a pending request, and the effect of each event in each state.
 *
 * One table in bus-request-state.c has an entry for each state and each event: the next state, "ignored" (legal, changes nothing,
 * counted), "refused" (a peer may not do this now), or "never" (only a bug of the core could cause it; the caller asserts). A
 * missing entry is 0, and a test fails for it. This module does not depend on peers and queues.
 *
 * Invariant: a request ends exactly once, because no event leads out of ENDED.
 */

/* The kinds of requesters. */
typedef enum
{
  BUS_REQUESTER_PEER,     /* a peer that sent the request */
  BUS_REQUESTER_QUESTION, /* the request is for one member of a question */
  BUS_REQUESTER_TASK,     /* the broker itself: the request is the lease of a task (work/bus-lease) */
  BUS_REQUESTER_STANDING, /* the broker itself: the request applies standing tasks (work/bus-standing) */
} BusRequesterKind;
#define BUS_N_REQUESTERS 4u

typedef enum
{
  BUS_REQUEST_QUEUED = 1, /* waits in the queue of its responder */
  BUS_REQUEST_SENT,       /* was sent to its responder; a question: its members have been asked */
  BUS_REQUEST_ANSWERED,   /* the last reply has arrived and waits for the window of the requester */
  BUS_REQUEST_ENDED,
} BusRequestState;
#define BUS_N_REQUEST_STATES 5u

typedef enum
{
  BUS_REQUEST_ON_SENT,     /* it was encoded for its responder */
  BUS_REQUEST_ON_MOVED,    /* another responder gets it */
  BUS_REQUEST_ON_PART,     /* a reply that is not the last one */
  BUS_REQUEST_ON_FINAL,    /* the last reply */
  BUS_REQUEST_ON_DRAINED,  /* the last reply was passed on */
  BUS_REQUEST_ON_CANCEL,   /* the requester cancelled it or disconnected */
  BUS_REQUEST_ON_DECLINED, /* the responder cancelled it */
  BUS_REQUEST_ON_GONE,     /* the responder disconnected, or does not serve any more */
  BUS_REQUEST_ON_EXPIRED,  /* its deadline, or its longest pause, has passed */
  BUS_REQUEST_ON_FULL,     /* a queue has no room for the request, or for a reply */
} BusRequestEvent;
#define BUS_N_REQUEST_EVENTS 10u

/* The effect of an event: a BusRequestState, or one of these. */
typedef enum
{
  BUS_REQUEST_IGNORED = BUS_N_REQUEST_STATES,
  BUS_REQUEST_REFUSED,
  BUS_REQUEST_NEVER,
} BusRequestVerdict;

/* The entry of the table: a BusRequestState or a BusRequestVerdict; 0: it is missing. */
guint bus_request_transition (BusRequestState state, BusRequestEvent event);

const char *bus_request_state_name (BusRequestState state);
const char *bus_request_event_name (BusRequestEvent event);
