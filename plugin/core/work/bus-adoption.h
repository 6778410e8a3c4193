/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-lease.h"

/*
 * Adoption: a collector gets back the tasks that it already works on, after the broker or the connection was replaced.
 *
 * A collector that registers lists its *claims*: the attempts that it works on or has finished, each with the token of its
 * lease. A claim with a token of this broker (the epoch in the token is that of the broker) is accepted if the token is that of
 * the newest lease of the task, or if it is the claim that led to this lease. The second case exists because a member that was
 * adopted keeps its old token until Execute{adopt} arrives, and a broken connection may lose that frame. A claim with a token
 * of an earlier broker is accepted if the submitter has submitted the task again, with the same collector and attempt. Claim
 * and submission may arrive in either order: the claim is kept until the recovery window ends, and the task waits for its
 * holder (bus-awaited). Once the broker has both, and the member serves its task topic, the member gets a new lease by
 * Execute{adopt}, and the task is RUNNING at the claimed attempt: no new attempt begins.
 *
 * The run limit of the attempt does not begin again: see bus-attempt. A claim to work on an attempt that has used it up is not
 * accepted.
 *
 * Every other claim is *fenced*: the collector has to stop this work, because the broker will not accept the result. A claim
 * that is fenced during Register is reported in the answer to it, a claim that is fenced later by the lifecycle event FENCE.
 *
 * Invariant: an accepted claim is about the newest lease of its task, or about a task that this broker has not leased yet.
 */

/* The member has registered: decides its claims. Tasks that wait for this member, and that it does not claim, stop waiting for
 * it. */
void bus_adoption_registered (BusCore *core, BusMember *member, gint64 now_us);
/* Removes the claims that are decided. Fenced ones must have been reported before. */
void bus_adoption_forget_settled (BusMember *member);

/* The lease, the newest one of its task, was adopted. Its run limit is over before its Execute was sent: fences the claim, because
 * no CANCEL can follow. */
void bus_adoption_fence (BusCore *core, const BusLease *lease);

/* The member has changed: decides the claims that still wait, because it may serve its task topic now. */
void bus_adoption_continue (BusCore *core, BusMember *member, gint64 now_us);

/* The task was submitted again and waits for its last holder. If this holder has registered, it gets the task if it claims it;
 * if it does not claim it, the task stops waiting. */
void bus_adoption_resubmitted (BusCore *core, BusTask *task, gint64 now_us);

/* The time at which the recovery window of this broker ends. */
gint64 bus_adoption_end_us (const BusCore *core);
/* The timer of the recovery window: fences the claims of tasks that no submitter has submitted again. */
void bus_adoption_window_over (BusCore *core, gint64 now_us);
