/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Charges: how much of the broker each peer and account holds.
 *
 * Every byte and object that a peer makes the broker keep is charged to that peer and its account, and refunded by
 * the same amount when it is freed. A message that several queues share counts in full for each of them (charged),
 * and once for the broker (memory). This module only counts; bus-shed decides what happens at a limit.
 *
 * Invariant: the sum of all peers' charges is quota->charged; with nothing held both sums are zero. Arithmetic is
 * checked: a refund above the charge is an error in the core and asserts.
 */

typedef struct
{
  guint64 charged; /* sum over all peers */
  guint64 memory;  /* bytes that are held; a shared message counts once */
  guint64 cap;     /* of memory */
} BusQuota;

/* The charges of one peer, or of one account. */
typedef struct BusUsage
{
  guint64 charged;
  struct BusUsage *parent; /* of a peer: the usage of its account; NULL: none */
} BusUsage;

void bus_quota_charge (BusQuota *quota, BusUsage *usage, guint64 amount);
void bus_quota_refund (BusQuota *quota, BusUsage *usage, guint64 amount);

/* FALSE: it would exceed the cap; nothing was changed. */
gboolean bus_quota_hold (BusQuota *quota, guint64 amount);
/* For frames of the broker itself (credit, answers, GOODBYE) while messages hold all of the cap: it may be
 * exceeded by one BUS_QUOTA_RESERVE'th. Otherwise the broker would have to disconnect the first peer it must
 * answer, without saying why. */
#define BUS_QUOTA_RESERVE 32u
gboolean bus_quota_hold_reserve (BusQuota *quota, guint64 amount);
void bus_quota_release (BusQuota *quota, guint64 amount);

/* Small objects that only one peer uses: charged and held in one step, even above the cap. */
void bus_quota_keep (BusQuota *quota, BusUsage *usage, guint64 amount);
void bus_quota_forgo (BusQuota *quota, BusUsage *usage, guint64 amount);
