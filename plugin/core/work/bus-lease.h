/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * A lease: one member has one task.
 *
 * It begins with the offer, the request Execute, which carries its token, and uses a slot of the member until the member has
 * answered with a final reply, or is gone. So a lease outlives what it is for: when the task was taken away, or has ended, the
 * lease is a *zombie*, which keeps the slot and waits for the answer. A timer alone makes a zombie, but does not invalidate
 * the lease: it is valid until the task has a newer one, or has come to its end.
 *
 * This module counts slots, sends Execute and CANCEL, and compares tokens. It does not change the state of a task; see
 * bus-attempt.
 *
 * Invariant: a lease is in the list of its member and in that of its task, and its request is pending; a member's counters are
 * the numbers of its leases by their state.
 */

typedef enum
{
  BUS_LEASE_OFFERED, /* the member has not started */
  BUS_LEASE_RUNNING,
  BUS_LEASE_ZOMBIE,
} BusLeaseState;
#define BUS_N_LEASE_STATES 3u

typedef struct BusLease
{
  BusTask *task; /* NULL: its record is not kept any more */
  BusMember *member;
  BusRequest *request;
  struct BusOperation *operation; /* which counts its slot */
  BusLeaseState state;
  gboolean has_started;
  gboolean is_stopped; /* it was sent CANCEL */
  gboolean is_exclusive;
  gboolean is_adopted;  /* the member had the task before: it works on it still, or has finished it */
  gboolean is_finished; /* adopted: only the answer is missing */
  gboolean idempotent;
  guint attempt; /* that it begins or continues */
  gint64 run_limit_us;
  gint64 progress_us; /* 0: without */
  gint64 started_us;
  BusTimer run_timer; /* of a zombie that was not stopped: the rest of its run limit */
  guint8 token[BUS_TOKEN_LEN];
  GList member_link;
  GList task_link;
} BusLease;

/* Offers the task to the member: the newest lease of the task from now on. NULL: the member has no room for the request, or does
 * not serve its task topic; nothing was done. */
BusLease *bus_lease_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us);

/* The member has the task, as @claim says, without a lease: it gets one. NULL: as bus_lease_offer(). */
BusLease *bus_lease_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us);

/* Its task was taken away: its slot is free when it answers. */
void bus_lease_make_zombie (BusCore *core, BusLease *lease);

/* A zombie may run until its run limit is over; then it is stopped. */
void bus_lease_limit (BusCore *core, BusLease *lease);
void bus_lease_run_due (BusCore *core, BusLease *lease);

/* The attempt begins. */
void bus_lease_start (BusCore *core, BusLease *lease, gint64 now_us);

/* Its task does not need it any more: CANCEL is sent with @status, and the slot is a zombie. FALSE: the member was not sent the
 * request, and the lease is freed. */
gboolean bus_lease_stop (BusCore *core, BusLease *lease, WireStatus status);

/* The final reply came, or the member is gone: the slot is free. */
void bus_lease_free (BusCore *core, BusLease *lease);

/* It is the newest of its task, and has that token. */
gboolean bus_lease_is_valid (const BusLease *lease, WireSpan token);

/* The member has no room for an offer: it gets none until one of its slots is free, or for a time that doubles. */
void bus_lease_note_busy (BusCore *core, BusMember *member, gint64 now_us);
void bus_lease_busy_due (BusCore *core, BusMember *member);
/* It works, or is gone. */
void bus_lease_forget_busy (BusCore *core, BusMember *member);

/* Its task is forgotten. */
void bus_lease_forget_task (BusTask *task);
