/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-cells.h"

/*
 * Charges: how much of the broker each peer and account holds.
 *
 * Every byte and object that a peer makes the broker keep is charged to that peer and its account, and refunded by
 * the same amount when it is freed. A message that several queues share counts in full for each of them (charged),
 * and once for the broker (memory). This module only counts; bus-shed decides what happens at a limit.
 *
 * Invariant: the sum of all peers' charges is quota->charged; with nothing held both sums are zero. Arithmetic is
 * checked: a refund above the charge is an error in the core and asserts. All of it is inline: a message is charged several times.
 */

typedef struct
{
  guint64 charged; /* sum over all peers */
  guint64 memory;  /* bytes that are held; a shared message counts once */
  guint64 cap;     /* of memory */
  BusCells cells;  /* that what is counted here is made of, if it is small */
} BusQuota;

/* The charges of one peer, or of one account. */
typedef struct BusUsage
{
  guint64 charged;
  struct BusUsage *parent; /* of a peer: the usage of its account; NULL: none */
} BusUsage;

static inline void
bus_quota_charge (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  gboolean fits = g_uint64_checked_add (&quota->charged, quota->charged, amount);

  g_assert (fits);
  /* Parts of the sum above, so they fit as well. */
  usage->charged += amount;
  if (usage->parent != NULL)
    usage->parent->charged += amount;
}

static inline void
bus_quota_refund (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  g_assert (usage->charged >= amount && quota->charged >= amount);
  usage->charged -= amount;
  quota->charged -= amount;
  if (usage->parent != NULL)
    {
      g_assert (usage->parent->charged >= amount);
      usage->parent->charged -= amount;
    }
}

/* FALSE: it would exceed @limit; nothing was changed. */
static inline gboolean
bus_quota_hold_below (BusQuota *quota, guint64 amount, guint64 limit)
{
  guint64 sum;

  if (!g_uint64_checked_add (&sum, quota->memory, amount) || sum > limit)
    return FALSE;
  quota->memory = sum;
  return TRUE;
}

/* FALSE: it would exceed the cap; nothing was changed. */
static inline gboolean
bus_quota_hold (BusQuota *quota, guint64 amount)
{
  return bus_quota_hold_below (quota, amount, quota->cap);
}

/* For frames of the broker itself (credit, answers, GOODBYE) while messages hold all of the cap: it may be
 * exceeded by one BUS_QUOTA_RESERVE'th. Otherwise the broker would have to disconnect the first peer it must
 * answer, without saying why. */
#define BUS_QUOTA_RESERVE 32u
static inline gboolean
bus_quota_hold_reserve (BusQuota *quota, guint64 amount)
{
  return bus_quota_hold_below (quota, amount, quota->cap + quota->cap / BUS_QUOTA_RESERVE);
}

static inline void
bus_quota_release (BusQuota *quota, guint64 amount)
{
  g_assert (quota->memory >= amount);
  quota->memory -= amount;
}

/* Small objects that only one peer uses: charged and held in one step, even above the cap. */
static inline void
bus_quota_keep (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_charge (quota, usage, amount);
  quota->memory += amount; /* at most what is charged and a frame of each peer */
}

static inline void
bus_quota_forgo (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_refund (quota, usage, amount);
  bus_quota_release (quota, amount);
}
