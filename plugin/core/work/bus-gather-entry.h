/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-fate.h"

/*
 * The record of a question to many, and of its entries: one for each expected answer.
 *
 * This unit keeps the lists of entries that are to be checked, and counts answers that are not wanted. It knows nothing of how
 * tasks are made, end, or are sent, so that the modules of tasks can report to it. bus-gather decides.
 *
 * Invariant: an entry is in the list of its question if and only if it is open and dirty; a question that asks, and has such an entry,
 * is in the list of the broker.
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

typedef struct BusGather BusGather;

typedef struct BusGatherEntry
{
  BusGather *gather;
  guint index;
  char *id; /* GRefString: of the collector that has it, or had it last; NULL: none */
  guint64 incarnation;
  BusTask *task;      /* the newest; NULL: none was made */
  guint attempts;     /* that began of the tasks before */
  BusGatherFate fate; /* OPEN: not yet */
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
  guint64 last_registration; /* that was checked, or that was there at the start */
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

/* The task of an entry has changed, or its collector. */
void bus_gather_touch (BusGatherEntry *entry);
/* The question is to be checked. */
void bus_gather_mark (BusGather *gather);
/* The task, or its lease, is not wanted any more, and a result came all the same. Harmless for a task of no question. */
void bus_gather_refused (const BusTask *task);
