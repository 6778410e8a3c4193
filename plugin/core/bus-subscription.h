/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "bus-window.h"
#include "wire-span.h"

/*
 * One subscription: a pattern that a peer wants to see (or a topic that it serves), its receive window, and the FIFO of
 * what waits for it.
 *
 * It hangs in two indexes: its owner's table (dropped when the owner goes) and the look-up index (asked for each
 * topic); bus-peer and bus-router keep the two together. It decides nothing: bus-flow moves its slots.
 */

typedef struct BusGroup BusGroup;
typedef struct BusServers BusServers;
typedef struct BusSlot BusSlot;
typedef struct BusSubscription BusSubscription;

struct BusSubscription
{
  BusPeer *owner;
  guint32 id;          /* chosen by the client */
  gboolean serves;     /* gets requests, not publishes */
  gboolean methods;    /* serves its owner's own methods: no direct publish either */
  BusGroup *group;     /* NULL: none */
  WireSpan pattern;    /* own copy, behind the struct */
  BusServers *servers; /* of the topic that it serves; NULL: none */
  gsize charged;

  BusWindow window;
  BusSlot *first; /* FIFO: queued ones and gaps, then waiting ones and gaps */
  BusSlot *last;
  BusSlot *first_waiting; /* the first without credit */

  guint64 delivered; /* encoded for it */
  guint64 missed;    /* told by gaps, or waiting to be told */
};

/* NULL: no memory. The pattern is copied. */
BusSubscription *bus_subscription_new (BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves);
/* Its FIFO must be empty. */
void bus_subscription_free (BusSubscription *subscription);
