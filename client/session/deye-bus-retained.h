/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-kept-frame.h"

/*
 * The retained messages that this client published: for each topic the last one that it sent, so that they can be published
 * again when the broker was restarted.
 *
 * A message is remembered when it is sent, with the id of its call; a refusal of that call forgets it, an empty message clears
 * its topic, and a time to live ends it. A client with more values than the bounds forgets the oldest; the number of forgotten
 * ones is kept until somebody reports it. The store sends nothing and reads no clock (session-republish does).
 *
 * Invariant: one value for each topic, in the order in which they were sent; within the bounds, which are what a broker with its
 * default settings keeps for an account.
 */

#define DEYE_BUS_RETAINED_MAX_VALUES 1024u
#define DEYE_BUS_RETAINED_MAX_BYTES  (2u << 20)

typedef struct
{
  DeyeBusKeptFrame *message; /* owned; as it is published again */
  guint64 id;                /* of the call that sent it last */
  gboolean until_gone;       /* the broker clears it when the connection ends */
  GList link;
} DeyeBusRetainedValue;

void deye_bus_retained_value_free (DeyeBusRetainedValue *value);

typedef struct
{
  GHashTable *by_topic; /* topic, of the value -> DeyeBusRetainedValue (owned); NULL: nothing was ever retained */
  GQueue in_order;      /* of DeyeBusRetainedValue */
  gsize bytes;
  guint64 forgotten; /* beyond the bounds, and not reported yet */
  guint64 epoch;     /* of the broker that has all values; 0: none has */
} DeyeBusRetainedStore;

void deye_bus_retained_clear (DeyeBusRetainedStore *store);

/* The part of a call of the user that is kept, once it was sent. The call retains its message. */
DeyeBusRetainedValue *deye_bus_retained_value_new (const DeyeBusEncodedCall *encoded, gint64 now_us);

/* @value, which is taken, was sent. One with an empty payload only clears its topic. */
void deye_bus_retained_put (DeyeBusRetainedStore *store, DeyeBusRetainedValue *value);

/* The broker refused the call @id: forgets its message, if it is one of these. */
void deye_bus_retained_refuse (DeyeBusRetainedStore *store, guint64 id);

/* Forgets the values whose time to live has ended; the others keep the rest of it. */
void deye_bus_retained_age (DeyeBusRetainedStore *store, gint64 now_us);

static inline guint
deye_bus_retained_count (const DeyeBusRetainedStore *store)
{
  return store->in_order.length;
}
