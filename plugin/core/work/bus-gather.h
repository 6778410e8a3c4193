/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-fate.h"

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

#define BUS_GATHER_TEXT_MAX 120u

/* The numbers are those of GatherMode on the wire. */
typedef enum
{
  BUS_GATHER_ALL = 1,
  BUS_GATHER_SOME,
  BUS_GATHER_SHARDS,
} BusGatherMode;

/* The numbers are those of GatherRequire on the wire. */
typedef enum
{
  BUS_REQUIRE_ALL = 1,
  BUS_REQUIRE_AT_LEAST,
  BUS_REQUIRE_ANY,
} BusGatherRequire;

typedef enum
{
  BUS_GATHER_WAITS,
  BUS_GATHER_ASKS,
  BUS_GATHER_OVER, /* answers and manifest are sent */
  BUS_GATHER_DONE, /* the manifest was sent, or the question is refused; the call ends */
} BusGatherPhase;

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

typedef struct BusGather BusGather;

typedef struct BusGatherEntry
{
  BusGather *gather;
  guint index;
  char *id; /* GRefString: of the collector that has it, or had it last; NULL: none */
  guint64 incarnation;
  BusTask *task;  /* the newest; NULL: none was made */
  guint attempts; /* that began of the tasks before */
  BusFate fate;   /* OPEN: not yet */
  gint64 ended_us;
  gboolean is_absent; /* open, and its collector is not there */
  gboolean is_dirty;
  GList dirty_link;
  GList unsent_link;              /* it has an answer that was not sent */
  char text[BUS_GATHER_TEXT_MAX]; /* instead of that of the fate; "": none */
} BusGatherEntry;

struct BusGather
{
  BusCore *core;
  BusPeer *asker;
  guint64 request_id;
  guint64 query_id; /* from 1 */

  /* the question */
  BusRosterQuestion question;
  char *texts; /* of it, one block */
  GPtrArray *tags;
  GBytes *payload;
  BusGatherMode mode;
  guint n;
  BusGatherRequire require;
  guint require_n;
  gint64 asked_us;
  gint64 due_us;
  gint64 stall_us;

  BusGatherPhase phase;
  BusExcess excess; /* DONE: the question is refused for it; most = 0: it was answered */
  GArray *roster;   /* BusRosterRow; NULL: WAITS */
  gboolean roster_is_sure;
  GHashTable *known; /* ids of the roster, and of those that were counted as joined */
  GHashTable *by_id; /* ids that were asked -> BusGatherEntry */
  BusGatherEntry *entries;
  guint n_entries;
  GPtrArray *tasks; /* BusTask: all that were made, also those that another one has replaced */

  /* the account */
  guint n_open;
  guint n_absent;
  guint counts[BUS_N_FATES];
  guint n_truncated;
  guint n_duplicates;
  guint n_late;
  guint n_joined;
  guint64 last_registration; /* that was looked at, or that was there at the start */
  gint64 progress_us;        /* of the last answer, or of the start */
  gint64 absent_due_us;      /* then those that are not there have their fate; 0: others are open */
  gint64 over_us;

  BusTimer timer;
  GQueue dirty;  /* BusGatherEntry, by their dirty_link: their task or collector has changed */
  GQueue unsent; /* BusGatherEntry, by their unsent_link */
  gboolean is_dirty;
  gboolean is_sending; /* it has something to send */
  gsize charged;       /* to the asker */
  GList link;          /* in all */
  GList dirty_link;
  GList send_link; /* in the list of those that send; DONE: in that of those whose call ends */
};

/* Asks. It is freed by bus_gather_free() when the call ends. */
BusGather *bus_gather_new (BusCore *core, BusPeer *asker, guint64 request_id, const BusGatherSpec *spec, gint64 now_us);
/* Its tasks that go on are cancelled. */
void bus_gather_free (BusGather *gather, gint64 now_us);

/* The task of an entry has changed. */
void bus_gather_touch (BusGatherEntry *entry);
/* The task, or its lease, is not wanted any more, and a result came all the same. */
void bus_gather_refused (const BusTask *task);
/* A member has changed, or is GONE. */
void bus_gather_on_member (BusCore *core, const BusMember *member);

void bus_gather_due (BusGather *gather, gint64 now_us);
/* TRUE: something was done. */
gboolean bus_gather_settle (BusCore *core, gint64 now_us);

/* Bytes that one member of a manifest has at most. */
#define BUS_GATHER_MEMBER_BYTES 640u
/* The most entries: the setting, and what a manifest has room for. */
BusExcess bus_gather_bound (const BusLimits *limits, guint n);
