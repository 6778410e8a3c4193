/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-run.h"

/*
 * A part of a run (bus-run) that waits for one subscription.
 *
 * Its messages are encoded once, as DELIVER for that subscription, into one cell behind the struct; when credit arrives, bus-outq
 * copies as many of the frames as the credit covers. A message that waits alone needs a slot, an entry and a block of its own, which
 * costs about three times the work. When a policy or the end of the subscription is about to handle single messages, bus-fifo-run
 * changes the run into such messages first.
 *
 * Each message counts for the memory cap of the broker as if it waited alone, which is more than a run needs: see
 * bus_waiting_run_is_covered().
 *
 * Invariant: at least one message waits, except between bus_waiting_run_drop_first() and the end of the run.
 */

typedef struct
{
  guint64 id;  /* that its publisher gave it */
  guint32 end; /* of its frame, in frames */
  guint32 body_len;
  guint32 payload_len;
  guint32 topic_at; /* in the body */
} BusWaitingMessage;

typedef struct BusWaitingRun
{
  BusQuota *quota;
  guint n;           /* messages that wait */
  guint first;       /* number of the first of them, in messages */
  guint64 first_seq; /* accept sequence of message 0 */
  WireClassOf class_of;
  guint domain;
  guint topic_len;
  guint subscription_len; /* bytes of a frame between the stamp and the body */
  gsize size;             /* of the cell */
  /* of the messages that wait */
  gsize bytes;         /* of their bodies */
  gsize payload_bytes; /* of their payloads */
  gsize cost;          /* that counts for the cap */
  guint8 *frames;
  BusWaitingMessage messages[];
} BusWaitingRun;

/* Messages that leave the front of a run. */
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
/* Frees it, with the messages that wait. */
void bus_waiting_run_free (BusWaitingRun *run);

/* The number of messages at the front that a window with @messages and @bytes of credit, and a lane with @room, allow. The last one
 * may exceed @bytes and @room. */
guint bus_waiting_run_fits (const BusWaitingRun *run, guint64 messages, guint64 bytes, gsize room);

/* The frames of @n messages, beginning with number @from of those that wait. */
WireSpan bus_waiting_run_frames (const BusWaitingRun *run, guint from, guint n);

/* The accept sequence of the first message. */
static inline guint64
bus_waiting_run_seq (const BusWaitingRun *run)
{
  return run->first_seq + run->first;
}

/* Fills @view as waiting message number @i: it refers to the bytes of the run, and nobody may keep a reference to it. */
void bus_waiting_run_view (const BusWaitingRun *run, guint i, BusMessage *view);

/* Takes the first message out, as a message of its own. Transfer full. */
BusMessage *bus_waiting_run_take_first (BusWaitingRun *run);

/* Drops the first @n messages, and returns their sums. */
BusWaitingPart bus_waiting_run_drop_first (BusWaitingRun *run, guint n);

/* TRUE if what its messages count for, each with a slot of @slot_size, is at least the memory that the run uses. */
static inline gboolean
bus_waiting_run_is_covered (const BusWaitingRun *run, gsize slot_size)
{
  return run->cost + run->n * slot_size >= run->size;
}
