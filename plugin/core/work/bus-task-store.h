/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "queue/bus-credit.h"
#include "work/bus-settled.h"
#include "work/bus-task.h"

/*
 * All tasks of the broker, and the memory that they may use.
 *
 * A task stands on one *shelf*. LIVE has the tasks that have not ended, and those that have ended and whose submitter has not
 * taken the result; WINDOW those whose result was taken, for submitters that ask again; QUARANTINE those that failed too often.
 * Each has a bound of its own. These bytes are no part of broker_bytes and uid_bytes, and nothing is shed from them: a task that
 * does not fit is refused when it is submitted, and an accepted one is never dropped. A result, a report of progress and the
 * history of an accepted task are kept also above the bound. A task that leaves the window or the quarantine becomes a settled
 * id.
 *
 * Invariant: the bytes of a shelf are the sum of the charges of its tasks, and the bytes of an account those of its tasks.
 */

typedef enum
{
  BUS_SHELF_NONE,
  BUS_SHELF_LIVE,
  BUS_SHELF_WINDOW,
  BUS_SHELF_QUARANTINE,
} BusShelf;
#define BUS_N_SHELVES 4u

typedef struct
{
  const BusLimits *limits;
  BusDeadlineSet *deadlines;
  GHashTable *accounts; /* of the core */
  guint64 seed;

  GHashTable *by_key;            /* BusTask by its key */
  GQueue all;                    /* BusTask by their all_link, in the order of submission */
  GQueue shelves[BUS_N_SHELVES]; /* BusTask by their store_link, the one that came first is the first */
  guint64 bytes[BUS_N_SHELVES];
  BusSettled settled;
  guint64 last_sequence;
  GQueue withheld; /* BusTicket of results that came when LIVE had too much, the oldest first */

  BusTaskRules rules;
  guint64 n_ended[BUS_N_TASK_STATES]; /* tasks that came into each terminal state */
} BusTaskStore;

void bus_task_store_init (BusTaskStore *store,
                          const BusLimits *limits,
                          BusDeadlineSet *deadlines,
                          GHashTable *accounts,
                          guint64 seed);
/* Every task must be unlinked by the modules above. */
void bus_task_store_clear (BusTaskStore *store);

/* NULL: there is none. */
BusTask *bus_task_store_find (const BusTaskStore *store, guint32 account, WireSpan id);
/* Its final state, when only that is known; 0: it is not. */
BusTaskState bus_task_store_settled (const BusTaskStore *store, guint32 account, WireSpan id);

/* TRUE: there is no room for such a task, and @excess names the bound. */
gboolean bus_task_store_is_full (const BusTaskStore *store,
                                 const BusAccount *account,
                                 const BusTaskSpec *spec,
                                 BusExcess *excess);

/* A new task, on the shelf LIVE, with its deadline armed. NULL: no memory */
BusTask *bus_task_store_add (BusTaskStore *store, BusAccount *account, const BusTaskSpec *spec, gint64 now_us);

/* It holds more or less memory than before. */
void bus_task_store_recharge (BusTaskStore *store, BusTask *task);

/* It has come into a terminal state, or was released from quarantine: moves it to its shelf. A result waits for its submitter for
 * as long as the window keeps one. A task of a question to many stays on its shelf until that is over. */
void bus_task_store_ended (BusTaskStore *store, BusTask *task, gint64 now_us);
void bus_task_store_released (BusTaskStore *store, BusTask *task, gint64 now_us);

/* The submitter has the result. Harmless when it was settled before. */
void bus_task_store_settle (BusTaskStore *store, BusTask *task, gint64 now_us);

/* LIVE has too much: the credit of a result, which is kept all the same, returns when there is room. */
static inline gboolean
bus_task_store_is_over (const BusTaskStore *store)
{
  return store->bytes[BUS_SHELF_LIVE] > store->limits->task_bytes;
}

/* @ticket: (transfer full): of a result */
void bus_task_store_withhold (BusTaskStore *store, BusTicket *ticket);
/* Returns what there is room for. */
void bus_task_store_return_credit (BusTaskStore *store);

/* The next task that has to leave its shelf, because that has too much; NULL: none. The caller ends it (a quarantined one) and
 * calls bus_task_store_forget(). */
BusTask *bus_task_store_next_excess (const BusTaskStore *store);

/* Frees a task that was added and not accepted after all. */
void bus_task_store_discard (BusTaskStore *store, BusTask *task);

/* Frees it; its id is settled. The modules above have unlinked it. */
void bus_task_store_forget (BusTaskStore *store, BusTask *task);
