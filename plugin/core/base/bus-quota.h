/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Charges: who holds how much of the broker.
 *
 * Every byte and object that a peer makes the broker keep is charged to that peer and its account, and refunded by the same
 * amount when it is freed. A message that several queues share counts in full for each of them (charged), and once for
 * the broker (memory). This room counts; what to do at a limit is the caller's (bus-shed).
 *
 * Invariant: the sum of all peers' charges is quota->charged; with nothing held both sums are zero. Arithmetic is
 * checked: a refund above the charge is our bug and asserts.
 */

typedef struct
{
  guint64 charged; /* sum over all peers */
  guint64 memory;  /* bytes really held, shared ones once */
  guint64 cap;     /* of memory */
} BusQuota;

/* One peer's part, or one account's. */
typedef struct BusUsage
{
  guint64 charged;
  struct BusUsage *parent; /* of a peer: its account's; NULL: none */
} BusUsage;

void bus_quota_charge (BusQuota *quota, BusUsage *usage, guint64 amount);
void bus_quota_refund (BusQuota *quota, BusUsage *usage, guint64 amount);

/* FALSE, and nothing changed, when it would pass the cap. */
gboolean bus_quota_hold (BusQuota *quota, guint64 amount);
/* For what the broker itself has to say (credit, answers, goodbye) when messages hold all of the cap: a BUS_QUOTA_RESERVE'th
 * of it more. Else the first whom it owes a word would have to go, and without one. */
#define BUS_QUOTA_RESERVE 32u
gboolean bus_quota_hold_reserve (BusQuota *quota, guint64 amount);
void bus_quota_release (BusQuota *quota, guint64 amount);

/* Small objects that are nobody else's: charged and held at once, whatever the cap says. */
void bus_quota_keep (BusQuota *quota, BusUsage *usage, guint64 amount);
void bus_quota_forgo (BusQuota *quota, BusUsage *usage, guint64 amount);
