/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"
#include "route/bus-retain-order.h"

/*
 * The store of retained messages (values): by topic and in the order of acceptance, with counters.
 *
 * It contains only the data. bus-retain decides which values may be stored, charges them, and removes them.
 *
 * Invariant: table and order contain the same values.
 */

struct BusRetained
{
  BusKey key; /* of the topic; the bytes are the message's */
  BusMessage *message;
  gsize size; /* counted for the account */
  BusAccount *account;
  char *sender;       /* GRefString */
  char *type_name;    /* may be cut */
  BusPeer *publisher; /* the value is cleared with its connection; NULL: with no connection */
  GList publisher_link;
  gint64 since_us;
  BusTimer timer;     /* its time to live */
  gboolean is_public; /* every peer may receive it; otherwise the policy is asked for each peer */
};

typedef struct
{
  GHashTable *by_topic; /* BusKey -> BusRetained */
  BusRetainOrder order;
  guint64 bytes;
  guint64 stored;   /* since the start, like the following counters */
  guint64 refused;  /* for lack of room */
  guint64 replaced; /* by a newer value */
  guint64 cleared;  /* by an empty payload, by an operator, or with the connection of the publisher */
  guint64 expired;
  guint64 delivered; /* to later subscribers */
} BusRetainStore;

void bus_retain_store_init (BusRetainStore *store);
/* Asserts that the store is empty. */
void bus_retain_store_clear (BusRetainStore *store);

void bus_retain_store_add (BusRetainStore *store, BusRetained *value);
void bus_retain_store_remove (BusRetainStore *store, BusRetained *value);

/* @seed: of the hashes of the core. NULL: none. */
BusRetained *bus_retain_store_find (const BusRetainStore *store, guint64 seed, WireSpan topic);
/* The oldest value that was accepted after @accept_seq; NULL: none. */
BusRetained *bus_retain_store_next (const BusRetainStore *store, guint64 accept_seq);
