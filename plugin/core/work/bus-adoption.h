/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Adoption: a member gets back the tasks that it has, when the broker or the connection between them was replaced.
 *
 * A member that registers claims the attempts that it works on, or has finished. A claim of this epoch counts as long as its token
 * is the newest of the task, or led to the newest lease, whose Execute may be lost. A claim of an earlier epoch counts when the submitter has submitted the task again and named the
 * same member and attempt. Submission and claim may come in either order: the claim is kept until the recovery window is over,
 * and the task waits for its holder (bus-awaited). When both are there, and the member serves its task topic, it gets a new
 * lease by Execute{adopt}, and the task is RUNNING without another attempt.
 *
 * Every other claim is fenced: the member ends that work, because the broker does not take its result. It is reported in the
 * answer to Register, or, when it shows later, by the lifecycle event FENCE.
 */

/* The member has registered: each of its claims gets its state, and its tasks that it does not claim do not wait for it any more. */
void bus_adoption_registered (BusCore *core, BusMember *member, gint64 now_us);
/* The fenced claims are reported. */
void bus_adoption_forget_settled (BusMember *member);

/* Something about the member is different: it may serve its task topic now. */
void bus_adoption_continue (BusCore *core, BusMember *member, gint64 now_us);

/* The task was submitted again, and waits for its last holder: that may have registered. */
void bus_adoption_resubmitted (BusCore *core, BusTask *task, gint64 now_us);

/* The end of the recovery window. */
gint64 bus_adoption_end_us (const BusCore *core);
/* Its timer: claims that nobody has submitted again are fenced. */
void bus_adoption_window_over (BusCore *core, gint64 now_us);
