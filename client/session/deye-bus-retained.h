/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-kept-frame.h"

/*
 * The retained messages that this client has published: the last one of each topic, so that the client can publish them again
 * after a restart of the broker.
 *
 * A message enters the store when it is sent, with the id of its call. It leaves the store when the broker refuses that call,
 * when an empty message clears the topic, or when its time to live has expired. Beyond the limits of the store the oldest value
 * is forgotten, and counted until the loss is reported. The store sends nothing and reads no clock (session-republish does).
 *
 * Invariant: at most one value for each topic, in the order of sending. The limits are those that a broker with default
 * settings has for one account.
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
  guint64 forgotten; /* number of values beyond the limits, not reported yet */
  guint64 epoch;     /* of the broker that has all values; 0: no broker has them */
} DeyeBusRetainedStore;

void deye_bus_retained_clear (DeyeBusRetainedStore *store);

/* Makes the value for a user's call with the flag RETAIN; put() takes it when the call was sent. */
DeyeBusRetainedValue *deye_bus_retained_value_new (const DeyeBusEncodedCall *encoded, gint64 now_us);

/* @value was sent: takes it. A value with an empty payload only clears its topic. */
void deye_bus_retained_put (DeyeBusRetainedStore *store, DeyeBusRetainedValue *value);

/* The broker refused the call @id: forgets its value, if there is one. */
void deye_bus_retained_refuse (DeyeBusRetainedStore *store, guint64 id);

/* Forgets the values whose time to live has expired, and reduces the time to live of the others. */
void deye_bus_retained_age (DeyeBusRetainedStore *store, gint64 now_us);

static inline guint
deye_bus_retained_count (const DeyeBusRetainedStore *store)
{
  return store->in_order.length;
}
