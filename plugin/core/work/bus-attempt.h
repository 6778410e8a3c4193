/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-lease.h"

/*
 * Attempts: the broker offers a task to a member, and handles the reports and the final answer of the member.
 *
 * A frame of a member counts only if it carries the token of the newest lease of the task and the task has not ended; the
 * broker refuses any other frame with STALE_LEASE. So a collector that lost a task cannot overwrite the result of its
 * successor. The final answer decides the next state of the task. A final answer that is refused still frees the slot of the
 * member if the task has ended or has a newer lease, because the member does not work on the task any more.
 *
 * The run limit begins with the attempt. It continues when the holder gets the task back after a disconnect (bus-adoption).
 *
 * Invariant: a frame of a member changes the state of a task only if its token is that of the newest lease of the task.
 */

/* Offers the task to @member. The caller has taken it out of its queue; if the request cannot be sent, the task returns to its
 * old place. */
void bus_attempt_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us);

/* Gives the QUEUED task back to @member, which claims it: the task is RUNNING at the attempt of the claim, without an offer.
 * FALSE: the member does not serve its task topic or has no room, and nothing was changed. */
gboolean bus_attempt_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us);
/* The same for a member that still has the newest lease. FALSE: the task is queued again, and the member was asked to stop. */
gboolean bus_attempt_claim (BusCore *core, BusLease *lease, gint64 now_us);

/* Handles a report of progress, or the report that the member has started. FALSE: the lease is stale. */
gboolean
bus_attempt_report (BusCore *core, BusLease *lease, WireSpan token, const BusTaskReport *report, gint64 now_us);

/* Handles the final answer of the member, and ends its request. FALSE: the answer was refused. */
gboolean
bus_attempt_answer (BusCore *core, BusLease *lease, WireSpan token, const BusTaskAnswer *answer, gint64 now_us);

/* Handles a request that ended without a final reply: the member declined it, or stopped serving its task topic. */
void bus_attempt_ended (BusCore *core, BusLease *lease, gint64 now_us);
