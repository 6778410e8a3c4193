/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * A question to many collectors, and the count of their answers.
 *
 * The question is asked by tasks, one for each *entry*, that is for each expected answer. So leases, tokens, slots, drain and
 * isolation work as for all tasks, and an answer is counted once. The tasks belong to the account of the asker and end with the
 * question. In the mode ALL there is an entry for each collector of the roster. In the mode SOME there are n entries; if a
 * collector does not answer, another one of the roster is asked in its place. In the mode SHARDS the question has n parts, each
 * of which any capable collector may get.
 *
 * A question has three phases. It *waits* until its roster is known: within the recovery window after a start of the broker,
 * collectors may not have registered again yet, so the question waits for the end of the window. If half of its own time is
 * over first, it stops waiting, the roster is not sure, and the verdict is never COMPLETE. It *asks* until each entry has its
 * fate (bus-gather-fate), at most until its deadline. Then it is *over*, and the manifest follows the last answer
 * (bus-gather-send).
 *
 * An entry whose collector is not registered waits for it as long as another entry may still be answered, and task_return_us
 * longer. A collector that died with its task is not asked again: in the mode ALL its entry is DIED at once. If an offer is
 * taken back, because its collector drains or has withdrawn the operation, the collector may have begun already: the entry
 * waits until the collector has answered.
 *
 * The tasks have no deadline timers of their own: the timer of the question ends them. Its deadline never moves.
 *
 * Invariants: the roster does not change after its start, and each id is in at most one entry; the number of entries is the sum
 * of the open ones and those of the eight classes; everything is freed with the call that asked.
 */

/* A question as it was asked. Borrowed; its fields have been checked. */
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

/* Asks the question. It is freed by bus_gather_free() when the call ends. */
BusGather *bus_gather_new (BusCore *core, BusPeer *asker, guint64 request_id, const BusGatherSpec *spec, gint64 now_us);
/* Frees the question, and cancels its live tasks. */
void bus_gather_free (BusGather *gather, gint64 now_us);

/* A member has changed, or is GONE: lists the entries that this concerns. @is_revised: it has registered, or has other abilities,
 * priorities or tags */
void bus_gather_on_member (BusCore *core, const BusMember *member, gboolean is_revised);

/* The timer of the question has expired. */
void bus_gather_due (BusGather *gather, gint64 now_us);
/* Checks the listed entries and questions. TRUE: there were some. */
gboolean bus_gather_settle (BusCore *core, gint64 now_us);

/* The most bytes of one entry of a manifest. */
#define BUS_GATHER_MEMBER_BYTES 640u
/* Returns the bound for @n entries: the setting, or the number that a manifest has room for. */
BusExcess bus_gather_bound (const BusLimits *limits, guint n);
