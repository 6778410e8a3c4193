/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"

/*
 * The retained messages (values) in the order of acceptance: an array of places, with the oldest value first.
 *
 * A value is usually the newest one when it is stored, so its place is appended. A value that is removed leaves an empty place.
 * When the array is full, or most of it is not used, the values are moved to a new array without empty places.
 *
 * A reader (bus-catchup) reads one place after the other. So it knows the addresses of the next messages without reading the
 * messages in front of them, and can load them into the processor's cache in time; a list or a tree of values does not allow that.
 * The reader may keep the number of a place as long as `moves` has not changed; otherwise it finds its place again by the accept
 * sequence.
 *
 * Invariant: the accept sequences of the places increase, also those of empty places. Neither the first nor the last place in use
 * is empty.
 */

typedef struct BusRetained BusRetained;

typedef struct
{
  guint64 accept_seq;  /* of the value, or of the one that was removed */
  BusRetained *value;  /* NULL: the place is empty */
  BusMessage *message; /* of the value */
  gboolean is_public;  /* as in the value */
} BusRetainPlace;

typedef struct
{
  BusRetainPlace *places;
  guint capacity;
  guint first; /* the places in use are those from first to end - 1 */
  guint end;
  guint n;       /* of these, places with a value */
  guint64 moves; /* number of times that a place got another number */
} BusRetainOrder;

void bus_retain_order_init (BusRetainOrder *order);
void bus_retain_order_clear (BusRetainOrder *order);

/* Its accept sequence differs from those of all places in use. */
void bus_retain_order_add (BusRetainOrder *order, BusRetainPlace place);
void bus_retain_order_remove (BusRetainOrder *order, guint64 accept_seq);

/* The number of the first place behind @accept_seq, which may be empty; order->end: there is none. */
guint bus_retain_order_after (const BusRetainOrder *order, guint64 accept_seq);
