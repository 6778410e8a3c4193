/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * A lease: the right of one member to execute one task.
 *
 * A lease begins with the offer, the request Execute, which carries the token of the lease. It uses a slot of the member until
 * the member has sent its final reply or is gone. So a lease may outlive its purpose: when the task was taken away from the
 * member, or has ended, the lease is a *zombie*, which keeps the slot and waits for the reply. A timer that expires makes the
 * lease a zombie, but does not invalidate it: its result is accepted until the task has a newer lease or has ended.
 *
 * This module counts slots, sends Execute and CANCEL, and compares tokens. It does not change the state of a task; bus-attempt
 * does.
 *
 * Invariant: a lease is in the list of its member and, while it has a task, in that of its task; its request is pending; the
 * counters of a member are the numbers of its leases in each state.
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
  BusTask *task; /* NULL: the record of the task was freed */
  BusMember *member;
  BusRequest *request;
  struct BusOperation *operation; /* counts the slot of this lease */
  BusLeaseState state;
  gboolean has_started;
  gboolean is_stopped; /* CANCEL was sent */
  gboolean is_exclusive;
  gboolean is_adopted;  /* the member claimed the task: it works on it, or has finished it */
  gboolean is_finished; /* adopted: the member has finished, only its answer is missing */
  gboolean idempotent;
  guint attempt; /* the attempt that it begins or continues */
  gint64 run_limit_us;
  gint64 progress_us; /* 0: no progress is expected */
  gint64 started_us;
  BusTimer run_timer; /* of a zombie without CANCEL: the rest of its run limit */
  guint8 token[BUS_TOKEN_LEN];
  GList member_link;
  GList task_link;
} BusLease;

/* Offers the task to the member, by a lease that is the newest of the task from now on. NULL: the member has no room for the
 * request, or does not serve its task topic; nothing was changed. */
BusLease *bus_lease_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us);

/* Makes a lease for a member that has the task, as @claim says, and no lease. NULL: as for bus_lease_offer(). */
BusLease *bus_lease_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us);

/* The task was taken away from the member: the slot stays in use until the member answers. */
void bus_lease_make_zombie (BusCore *core, BusLease *lease);

/* Lets a zombie, which is the newest lease of its task, run until the run limit is over, and stops it then. */
void bus_lease_limit (BusCore *core, BusLease *lease);

/* The member has begun the attempt. */
void bus_lease_start (BusCore *core, BusLease *lease, gint64 now_us);

/* The task does not need the lease any more: sends CANCEL with @status, and makes the lease a zombie. FALSE: no CANCEL can
 * reach the member, for example because Execute was not sent yet; the lease is freed. */
gboolean bus_lease_stop (BusCore *core, BusLease *lease, WireStatus status);

/* The final reply came, or the member is gone: frees the lease and its slot. */
void bus_lease_free (BusCore *core, BusLease *lease);

/* TRUE if the lease is the newest one of its task, and has that token. */
gboolean bus_lease_is_valid (const BusLease *lease, WireSpan token);

/* The member has no room for an offer: it gets none until one of its slots is free, at most for a time that doubles each time. */
void bus_lease_note_busy (BusCore *core, BusMember *member, gint64 now_us);
/* The timer of bus_lease_note_busy() has expired. */
void bus_lease_busy_due (BusCore *core, BusMember *member);
/* The member has started or finished a task, or is gone: it may get offers, and the next busy time is the shortest one again. */
void bus_lease_forget_busy (BusCore *core, BusMember *member);

/* The record of the task is about to be freed: its leases continue without it. */
void bus_lease_forget_task (BusTask *task);
