/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-cells.h"

/*
 * Charges: count the bytes that each peer and each account makes the broker keep.
 *
 * Every object that a peer makes the broker keep is charged to that peer and its account, and refunded by the same amount when it
 * is freed. There are two sums, because queues share messages. `charged` counts a message in full for each queue: it shows which
 * peer is the cause. `memory` counts it once: it is the memory that the broker really uses, and has the cap. Example: a message of
 * 1000 bytes that waits for three peers adds about 3000 to charged and 1000 to memory.
 *
 * This module only counts; bus-shed decides what happens at a limit. The functions are inline, because each message is charged
 * several times.
 *
 * Invariant: quota->charged is the sum of all charges; when nothing is kept, both sums are zero. A refund above the
 * charge is an error of the core, and asserts.
 */

typedef struct
{
  guint64 charged;  /* sum over all peers */
  guint64 memory;   /* bytes that are kept; a shared message counts once */
  guint64 cap;      /* the largest value of memory */
  BusCells cells;   /* the allocator of small objects that are made with each message */
  BusCells lasting; /* of subscriptions, which would keep chunks of messages from being returned to the system */
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
  /* These are parts of the sum above, so they cannot overflow. */
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

/* Adds to memory. FALSE: memory would exceed @limit; nothing was changed. */
static inline gboolean
bus_quota_hold_below (BusQuota *quota, guint64 amount, guint64 limit)
{
  guint64 sum;

  if (!g_uint64_checked_add (&sum, quota->memory, amount) || sum > limit)
    return FALSE;
  quota->memory = sum;
  return TRUE;
}

/* Adds to memory. FALSE: memory would exceed the cap; nothing was changed. */
static inline gboolean
bus_quota_hold (BusQuota *quota, guint64 amount)
{
  return bus_quota_hold_below (quota, amount, quota->cap);
}

/* The same for frames of the broker itself (credit, answers, GOODBYE), which may exceed the cap by 1/BUS_QUOTA_RESERVE of it.
 * Otherwise, when messages use all of the cap, the broker would have to disconnect the first peer that it must answer, without
 * saying why. */
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

/* Charges a small object that only one peer uses, and adds it to memory, even above the cap. bus_quota_unkeep() is the reverse. */
static inline void
bus_quota_keep (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_charge (quota, usage, amount);
  quota->memory += amount; /* cannot overflow: at most the charges and a frame of each peer */
}

static inline void
bus_quota_unkeep (BusQuota *quota, BusUsage *usage, guint64 amount)
{
  bus_quota_refund (quota, usage, amount);
  bus_quota_release (quota, amount);
}
