/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * A question to many collectors, and the account of their answers.
 *
 * The question is asked by tasks, one for each *entry*, that is for each expected answer. So leases, tokens, slots, drain and
 * suspicion work as for all tasks, and an answer counts once. The tasks belong to the account of the asker and end with the
 * question. In the mode ALL the entries are the collectors of the roster; in SOME, n of them, and another one is asked in place of
 * one that does not answer; in SHARDS, n parts of the question, each of which any capable collector may have.
 *
 * A question *waits* until its roster is known: within the recovery window after a start of the broker collectors may still be
 * missing, so it waits until the window is over, at most half of its own time; then the roster is not sure, and the verdict is never
 * COMPLETE. It *asks* until each entry has its fate (bus-gather-fate), at most until its deadline. Entries of collectors that are
 * not there wait for them as long as another entry is open, and task_return_us longer. A collector that died with its task is
 * not asked again: in ALL its entry is DIED at once. An offer that is taken back, because its collector drains or
 * has not the operation any more, may have begun there: the entry waits for what the collector says. Then the question is *over*, and the manifest follows the last answer
 * (bus-gather-send).
 *
 * The deadline of the tasks is that of the question: their own timers are not armed. Nothing moves it.
 *
 * Invariants: the roster does not change after its start, and each id is in at most one entry; the entries are the sum of those
 * that are open and of the eight classes; everything is freed with the call that asked.
 */

/* A question, as it was asked. Borrowed; its fields have been checked. */
typedef struct
{
  WireSpan operation;
  WireSpan type;
  WireSpan payload;
  WireSpan payload_type;
  const WireSpan *tags;
  guint n_tags;
  guint priority;
  BusGatherMode mode;
  guint n; /* SOME, SHARDS */
  BusGatherRequire require;
  guint require_n; /* AT_LEAST */
  gint64 deadline_us;
  gint64 stall_us; /* 0: none */
} BusGatherSpec;

/* Asks. It is freed by bus_gather_free() when the call ends. */
BusGather *bus_gather_new (BusCore *core, BusPeer *asker, guint64 request_id, const BusGatherSpec *spec, gint64 now_us);
/* Its tasks that have not ended are cancelled. */
void bus_gather_free (BusGather *gather, gint64 now_us);

/* A member has changed, or is GONE. */
void bus_gather_on_member (BusCore *core, const BusMember *member);

void bus_gather_due (BusGather *gather, gint64 now_us);
/* TRUE: something was done. */
gboolean bus_gather_settle (BusCore *core, gint64 now_us);

/* Bytes that one member of a manifest has at most. */
#define BUS_GATHER_MEMBER_BYTES 640u
/* The most entries: the setting, and what a manifest has room for. */
BusExcess bus_gather_bound (const BusLimits *limits, guint n);
