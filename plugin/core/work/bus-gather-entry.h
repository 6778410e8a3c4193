/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-fate.h"

/*
 * The record of a question to many collectors, and of its entries, one for each expected answer.
 *
 * This unit keeps the lists of entries that have to be checked, and counts answers that come too late or twice. It does not
 * know how tasks are made, end or are sent, so the modules of tasks can report to it without a circle of includes. bus-gather
 * makes the decisions.
 *
 * Invariant: an entry is in the list of its question if and only if it is open and dirty; a question that asks, and has such an
 * entry, is in the list of the broker.
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
  BUS_GATHER_OVER, /* each entry has its fate; answers and manifest are being sent */
  BUS_GATHER_DONE, /* the manifest was sent, or the question was refused; the call ends */
} BusGatherPhase;

typedef struct BusGather BusGather;

typedef struct BusGatherEntry
{
  BusGather *gather;
  guint index;
  char *id; /* GRefString: the collector that has the task, or had it last; NULL: none */
  guint64 incarnation;
  BusTask *task;      /* the newest one; NULL: none was made */
  guint attempts;     /* attempts that began in earlier tasks of this entry */
  BusGatherFate fate; /* OPEN: not decided yet */
  gint64 ended_us;
  gboolean is_absent; /* open, and no collector that may answer is registered */
  gboolean is_dirty;
  GList dirty_link;
  GList unsent_link;              /* linked while its answer was not sent */
  char text[BUS_GATHER_TEXT_MAX]; /* replaces the text of the fate; "": no replacement */
} BusGatherEntry;

struct BusGather
{
  BusCore *core;
  BusPeer *asker;
  guint64 request_id;
  guint64 query_id; /* from 1 */

  /* the question as it was asked */
  BusRosterQuestion question;
  char *texts; /* the texts of @question, in one block */
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
  BusExcess excess; /* DONE: the limit that the question exceeds; most = 0: it was not refused */
  GArray *roster;   /* BusRosterRow; NULL: WAITS */
  gboolean roster_is_sure;
  GHashTable *known; /* ids of the roster, and of collectors that were counted as joined */
  GHashTable *by_id; /* ids that were asked -> BusGatherEntry */
  BusGatherEntry *entries;
  guint n_entries;
  GPtrArray *tasks; /* BusTask: all that were made, replaced ones too */

  /* the count of answers */
  guint n_open;
  guint n_absent;
  guint counts[BUS_N_FATES];
  guint n_truncated;
  guint n_duplicates;
  guint n_late;
  guint n_joined;
  guint64 last_registration; /* newest registration that was checked, or that existed at the start */
  gint64 progress_us;        /* time of the last answer, or of the start */
  gint64 absent_due_us;      /* time at which absent entries get their fate; 0: an open entry is not absent */
  gint64 over_us;

  BusTimer timer;
  GQueue dirty;  /* BusGatherEntry, by their dirty_link: task or collector has changed */
  GQueue unsent; /* BusGatherEntry, by their unsent_link */
  gboolean is_dirty;
  gboolean is_sending;  /* it has something to send */
  gint64 sent_us;       /* time since which the next answer or the manifest waits to be sent */
  gboolean is_given_up; /* DONE: the asker did not read for too long */
  gsize charged;        /* bytes, to the asker */
  GList link;           /* in the list of all questions */
  GList dirty_link;
  GList send_link; /* in the list of those that send; DONE: of those whose call ends */
};

/* Lists the entry to be checked: its task or its collector has changed. */
void bus_gather_touch (BusGatherEntry *entry);
/* Lists the question to be checked. */
void bus_gather_mark (BusGather *gather);
/* Counts a result that came although the task, or its lease, is over. Does nothing for a task that belongs to no question. */
void bus_gather_refused (const BusTask *task);
