/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "work/bus-task.h"
#include "wire-status.h"

/*
 * The calls of submitters and tools on tasks: submit, cancel, settle, and release or drop a quarantined one.
 *
 * A task belongs to an account, and its id decides which task is meant: submitting it again attaches the submitter to it, so a
 * submission whose answer was lost can be repeated. With `resubmit` only a task that the broker knows is meant; within the
 * recovery window it may be one of the broker before, and waits for the claim of its last holder. So no repetition ever runs a
 * task a second time.
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
  const BusTask *task; /* NULL: there is none */
  BusTaskState state;  /* 0: unknown */
} BusSubmitAnswer;

/* @peer: the submitter, which is attached to the task when it is accepted */
void
bus_submit (BusCore *core, BusPeer *peer, const BusSubmission *submission, BusSubmitAnswer *verdict, gint64 now_us);

/* The submitter does not want it any more. */
void bus_submit_cancel (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);

/* The submitter @peer has the result. */
void bus_submit_settle (BusCore *core, BusPeer *peer, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);

/* A quarantined task gets all its attempts again, or ends. */
void bus_submit_release (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);
void bus_submit_drop (BusCore *core, guint32 account, WireSpan id, BusSubmitAnswer *verdict, gint64 now_us);
