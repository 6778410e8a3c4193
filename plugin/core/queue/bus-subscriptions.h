/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-hash.h"
#include "queue/bus-subscription.h"

/*
 * The subscriptions of one peer by the number that its client chose.
 *
 * Most peers have a few subscriptions, so a cell holds nothing but the subscription, which knows its number, and a set without
 * subscriptions has no memory. It does not own what it holds. The cell of a number depends on the seed of the core, so a client
 * cannot choose numbers that make its set slow.
 *
 * Invariant: between the cell that a number points to and the cell that it is in, no cell is empty; at least a quarter of
 * the cells is empty.
 */

/* A zeroed struct with a seed is an empty set. Treat the fields as private. */
typedef struct
{
  BusSubscription **cells;
  guint64 seed;
  guint n_cells; /* a power of two; 0: no memory */
  guint n;
} BusSubscriptions;

/* The cell that a number points to. The set must have cells. */
static inline guint
bus_subscriptions_home (const BusSubscriptions *set, guint32 id)
{
  return (guint) bus_hash_mix (set->seed + id) & (set->n_cells - 1);
}

/* It must be empty. */
void bus_subscriptions_clear (BusSubscriptions *set);

/* No other one in the set has its number. */
void bus_subscriptions_add (BusSubscriptions *set, BusSubscription *subscription);
/* It must be in the set. */
void bus_subscriptions_remove (BusSubscriptions *set, const BusSubscription *subscription);

/* NULL: there is none. */
BusSubscription *bus_subscriptions_find (const BusSubscriptions *set, guint32 id);

/* For memory that is loaded early: the cell that a number points to, and what is in it, which may have another number. */
static inline void
bus_subscriptions_prefetch (const BusSubscriptions *set, guint32 id)
{
  if (set->n_cells > 0)
    __builtin_prefetch (&set->cells[bus_subscriptions_home (set, id)]);
}

static inline BusSubscription *
bus_subscriptions_guess (const BusSubscriptions *set, guint32 id)
{
  return set->n_cells > 0 ? set->cells[bus_subscriptions_home (set, id)] : NULL;
}

/* All of them, in the order of their numbers. (transfer container) (element-type BusSubscription) */
GPtrArray *bus_subscriptions_sorted (const BusSubscriptions *set);

/* The next one after @at, which begins with 0 and moves on, in no order. The set must not change meanwhile. NULL: there are no more */
static inline BusSubscription *
bus_subscriptions_next (const BusSubscriptions *set, guint *at)
{
  while (*at < set->n_cells)
    {
      BusSubscription *subscription = set->cells[(*at)++];

      if (subscription != NULL)
        return subscription;
    }
  return NULL;
}

static inline guint
bus_subscriptions_size (const BusSubscriptions *set)
{
  return set->n;
}
