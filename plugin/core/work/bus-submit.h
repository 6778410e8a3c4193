/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "work/bus-task.h"
#include "wire-status.h"

/*
 * The calls of submitters and tools on tasks: submit, cancel, settle, and release or drop a task in quarantine.
 *
 * A task is identified by the account of its submitter and its id. A submission of a known id attaches the submitter to this task,
 * so a submission whose answer was lost can be repeated. A submission with `resubmit` is only for a task that has been submitted
 * before: the broker must know it, or it is a task of the previous broker, within the recovery window; such a task waits for the
 * claim of its last holder.
 *
 * Invariant: an account has at most one task with an id; a submission of this id attaches to the task or is refused.
 */

typedef struct
{
  BusTaskSpec task;
  gboolean has_attempts; /* FALSE: the setting decides */
  gboolean resubmit;
  WireSpan last_holder;
  guint last_attempt;
} BusSubmission;

typedef struct
{
  WireStatus status;
  char detail[160]; /* "": none */
  BusExcess excess; /* LIMIT */
  gboolean is_attached;
  const BusTask *task; /* NULL: there is no record */
  BusTaskState state;  /* 0: unknown */
} BusSubmitAnswer;

/* Submits a task. @peer: the submitter; it is attached to the task if the task is accepted */
void
bus_submit (BusCore *core, BusPeer *peer, const BusSubmission *submission, BusSubmitAnswer *verdict, gint64 now_us);

/* Cancels a task. */
void bus_submit_cancel (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);

/* The submitter @peer has received the result. */
void bus_submit_settle (BusCore *core, BusPeer *peer, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);

/* Release gives a quarantined task all its attempts again; drop ends it. */
void bus_submit_release (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);
void bus_submit_drop (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);
