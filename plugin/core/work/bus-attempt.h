/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-lease.h"

/*
 * Attempts: a task is offered to a member, and the member answers.
 *
 * A frame of a member counts only with the token of the newest lease of the task, and only while the task has not ended;
 * everything else is STALE_LEASE. The answer decides the next state of the task; a final one frees the slot also when it is
 * stale, because the member does not work on the task any more.
 */

/* Offers the task, which was taken out of its queue for @member. Where that has no room the task returns to its place. */
void bus_attempt_offer (BusCore *core, BusTask *task, BusMember *member, gint64 now_us);

/* The member has the task, which is QUEUED: it is RUNNING without another offer, at the attempt of the claim. FALSE: the member does
 * not serve its task topic, or has no room; nothing was done. */
gboolean bus_attempt_adopt (BusCore *core, BusTask *task, BusMember *member, const BusClaim *claim, gint64 now_us);
/* The same, when it has the newest lease still. FALSE: it was asked to stop */
gboolean bus_attempt_claim (BusCore *core, BusLease *lease, gint64 now_us);

/* The member reports progress, or that it has started. FALSE: the lease is stale. */
gboolean
bus_attempt_report (BusCore *core, BusLease *lease, WireSpan token, const BusTaskReport *report, gint64 now_us);

/* The member has finished, and its request is answered. FALSE: the lease was stale. */
gboolean
bus_attempt_answer (BusCore *core, BusLease *lease, WireSpan token, const BusTaskAnswer *answer, gint64 now_us);

/* The request of the lease has ended without a final reply: the member withdrew from it, or does not serve any more. */
void bus_attempt_ended (BusCore *core, BusLease *lease, gint64 now_us);
