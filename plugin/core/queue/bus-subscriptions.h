/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-hash.h"
#include "queue/bus-subscription.h"

/*
 * The set of the subscriptions of one peer, by the number that its client chose for each: a hash table with open addressing.
 *
 * Most peers have a few subscriptions, so a cell is only a pointer to a subscription, which contains its number, and a set without
 * subscriptions has no memory. The set does not own the subscriptions. The hash of a number depends on the seed of the core, so a
 * client cannot choose numbers that make its set slow.
 *
 * Invariant: between the cell that the hash of a number points to and the cell that contains the number, no cell is empty; at
 * least a quarter of the cells is empty.
 */

/* A zeroed struct with a seed is an empty set. Treat the fields as private. */
typedef struct
{
  BusSubscription **cells;
  guint64 seed;
  guint n_cells; /* a power of two; 0: no memory */
  guint n;
} BusSubscriptions;

/* The index of the cell that the hash of a number points to. The set must have cells. */
static inline guint
bus_subscriptions_home (const BusSubscriptions *set, guint32 id)
{
  return (guint) bus_hash_mix (set->seed + id) & (set->n_cells - 1);
}

/* It must be empty. */
void bus_subscriptions_clear (BusSubscriptions *set);

/* No other subscription of the set may have its number. */
void bus_subscriptions_add (BusSubscriptions *set, BusSubscription *subscription);
/* It must be in the set. */
void bus_subscriptions_remove (BusSubscriptions *set, const BusSubscription *subscription);

/* NULL: there is none. */
BusSubscription *bus_subscriptions_find (const BusSubscriptions *set, guint32 id);

/* For loads into the cache: bus_subscriptions_prefetch() loads the cell that the hash of a number points to, and
 * bus_subscriptions_guess() returns its content, which is usually the subscription with this number, but need not be. */
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

/* Iterates in no particular order. @at: (inout): the position, at first 0. The set must not change meanwhile. NULL: the end */
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
