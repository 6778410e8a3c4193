/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * Encodes retained values for a subscription that catches up (bus-catchup), many of them in one step.
 *
 * A step begins with the work that is the same for all of its values: it encodes the end of their stamps, and notes the room that
 * window and lanes have. It ends with credit, charges and statistics. A value that is referenced or expires is counted alone.
 *
 * Invariant: while values of a step are not counted, nothing else changes the queue of the peer, and these values have used the
 * credit and the room that the step has taken away from its own copies of them.
 */

typedef struct
{
  BusFlow *flow;
  BusSubscription *subscription;
  gint64 now_us;
  guint64 credit_messages; /* left in the window */
  guint64 credit_bytes;
  gsize room[WIRE_N_LANES]; /* left, as bus_flow_room() */
  BusOutqOwn own;           /* the end of the stamp */

  /* values that are encoded and not counted yet */
  guint domain; /* of all of them */
  guint messages;
  guint64 payload_bytes;
  gsize bytes[WIRE_N_LANES]; /* of their frames */
} BusRetainedStep;

void bus_flow_retained_begin (BusRetainedStep *step, BusFlow *flow, BusSubscription *subscription, gint64 now_us);

static inline gboolean
bus_flow_retained_has_credit (const BusRetainedStep *step)
{
  return step->credit_messages > 0 && step->credit_bytes > 0;
}

/* Bytes that are not charged yet. */
static inline gsize
bus_flow_retained_uncharged (const BusRetainedStep *step)
{
  return step->bytes[WIRE_LANE_CONTROL] + step->bytes[WIRE_LANE_DATA];
}

/* Encodes a value; the caller has checked that there is credit, and room in its lane. @accept_seq: of the message: it is not in a
 * cache line that is read otherwise. FALSE: no memory; nothing was done. */
gboolean bus_flow_retained_put (BusRetainedStep *step, BusMessage *message, guint64 accept_seq);

/* Counts the values of the step. */
void bus_flow_retained_end (BusRetainedStep *step);
