/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-run.h"

/*
 * A waiting run: messages of a run (bus-run) that wait together for the credit of one subscription.
 *
 * The messages are encoded once, as DELIVER frames for that subscription, in the same memory cell as the struct. When credit
 * arrives, bus-outq copies as many of the frames as the credit covers. A message that waits alone needs a slot, an entry and a
 * block of its own, which costs more than twice the work. This file does not know the queue: bus-fifo-run gives a waiting run its
 * slot, and changes it into single messages when a policy or the end of the subscription has to handle these.
 *
 * Each message is charged as if it waited alone. This covers the memory of the run while most of its messages wait. Example: 39 of
 * 40 messages were sent; the cell is as large as before, but only one message is charged. bus_waiting_run_is_covered() detects
 * this, and bus-fifo-run then unpacks the rest.
 *
 * Invariant: at least one message waits, except after bus_waiting_run_drop_first() removed the last one; then the run is freed.
 */

typedef struct
{
  guint64 id;  /* chosen by its publisher */
  guint32 end; /* offset of the first byte behind its frame */
  guint32 body_len;
  guint32 payload_len;
  guint32 topic_at; /* offset of the topic in the body */
} BusWaitingMessage;

typedef struct BusWaitingRun
{
  BusQuota *quota;
  guint n;           /* messages that wait */
  guint first;       /* index of the first of them in messages[] */
  guint64 first_seq; /* accept sequence of message 0 */
  WireClassOf class_of;
  guint domain;
  guint topic_len;
  guint subscription_len; /* bytes of a frame between the stamp and the body */
  gsize size;             /* of the cell */
  /* sums of the messages that wait */
  gsize bytes;         /* of their bodies */
  gsize payload_bytes; /* of their payloads */
  gsize cost;          /* charged for them, without their slots */
  guint8 *frames;
  BusWaitingMessage messages[];
} BusWaitingRun;

/* Sums of the messages that leave the front of a run. */
typedef struct
{
  guint n;
  gsize bytes;
  gsize payload_bytes;
  gsize cost;
} BusWaitingPart;

/* Encodes messages of @run, beginning with number @from: as many of the next @n as fit into a cell, at least one. NULL: no memory,
 * or the cap of the broker is reached. */
BusWaitingRun *bus_waiting_run_new (BusQuota *quota, const BusRun *run, guint from, guint n, guint32 subscription);
/* Frees the run with the messages that still wait. */
void bus_waiting_run_free (BusWaitingRun *run);

/* The number of messages at the front that may be sent with credit for @messages and @bytes, and with @room bytes in the lane. The
 * last one may exceed @bytes and @room. */
guint bus_waiting_run_fits (const BusWaitingRun *run, guint64 messages, guint64 bytes, gsize room);

/* The frames of @n messages, beginning with number @from of those that wait. */
WireSpan bus_waiting_run_frames (const BusWaitingRun *run, guint from, guint n);

/* The accept sequence of the first message. */
static inline guint64
bus_waiting_run_seq (const BusWaitingRun *run)
{
  return run->first_seq + run->first;
}

/* Fills @view with waiting message number @i. It points into the run, so the caller must not keep a reference to it. */
void bus_waiting_run_view (const BusWaitingRun *run, guint i, BusMessage *view);

/* Removes the first message and returns a copy of it. Transfer full. NULL: no memory; it was not removed. */
BusMessage *bus_waiting_run_take_first (BusWaitingRun *run);

/* Removes the first @n messages, and returns their sums. */
BusWaitingPart bus_waiting_run_drop_first (BusWaitingRun *run, guint n);

/* TRUE if the charge of its messages, each with a slot of @slot_size bytes, is at least the memory that the run uses. */
static inline gboolean
bus_waiting_run_is_covered (const BusWaitingRun *run, gsize slot_size)
{
  return run->cost + run->n * slot_size >= run->size;
}
