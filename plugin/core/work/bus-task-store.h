/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "queue/bus-credit.h"
#include "work/bus-settled.h"
#include "work/bus-task.h"

/*
 * All tasks of the broker, and the memory that they may use.
 *
 * A task is on one *shelf*. LIVE has the tasks that have not ended, and the ended ones whose submitter has not taken the result
 * yet. WINDOW has tasks whose result was taken, in case a submitter asks again. QUARANTINE has tasks that failed too often.
 * Each shelf has a bound of its own.
 *
 * The bytes of tasks do not count for broker_bytes and uid_bytes, and shedding never drops a task: a task that does not fit is
 * refused when it is submitted, and an accepted task is never dropped. For this reason the result, progress and history of an
 * accepted task are kept even above the bound. A task that leaves the window or the quarantine becomes a settled id.
 *
 * Invariant: the bytes of a shelf are the sum of the charges of its tasks, and so are the bytes of an account for its tasks.
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

  GHashTable *by_key;            /* BusTask, by its key */
  GQueue all;                    /* BusTask, by their all_link, in order of submission */
  GQueue shelves[BUS_N_SHELVES]; /* BusTask, by their store_link, in the order in which they came */
  guint64 bytes[BUS_N_SHELVES];
  BusSettled settled;
  guint64 last_sequence;
  GQueue withheld; /* BusTicket of results that came while LIVE was above its bound, the oldest first */

  BusTaskRules rules;
  guint64 n_ended[BUS_N_TASK_STATES]; /* number of tasks that ended in each terminal state */
} BusTaskStore;

void bus_task_store_init (BusTaskStore *store,
                          const BusLimits *limits,
                          BusDeadlineSet *deadlines,
                          GHashTable *accounts,
                          guint64 seed);
/* Frees all tasks, which the modules above have unlinked. */
void bus_task_store_clear (BusTaskStore *store);

/* Returns the task; NULL: none. */
BusTask *bus_task_store_find (const BusTaskStore *store, guint32 account, WireSpan id);
/* Returns its final state, if only this is known; 0: nothing is known. */
BusTaskState bus_task_store_settled (const BusTaskStore *store, guint32 account, WireSpan id);

/* TRUE if there is no room for such a task; @excess names the bound. */
gboolean bus_task_store_is_full (const BusTaskStore *store,
                                 const BusAccount *account,
                                 const BusTaskSpec *spec,
                                 BusExcess *excess);

/* The same for another submitter of a task, which it has already. The first one needs no room: the results of an accepted task are
 * kept until a submitter takes them, so a submitter that has reconnected can always take them. */
gboolean bus_task_store_is_full_for_another (const BusTaskStore *store, const BusTask *task, BusExcess *excess);

/* Makes a task on the shelf LIVE, with its deadline armed. NULL: no memory */
BusTask *bus_task_store_add (BusTaskStore *store, BusAccount *account, const BusTaskSpec *spec, gint64 now_us);

/* Charges the task again, because it holds more or less memory than before. */
void bus_task_store_recharge (BusTaskStore *store, BusTask *task);

/* The task has ended: keeps it for its submitter for task_window_us, or moves it to quarantine. A task that ends from quarantine
 * moves to the window. A task of a question to many collectors stays on its shelf until the question is over. */
void bus_task_store_ended (BusTaskStore *store, BusTask *task, gint64 now_us);
/* The task was released from quarantine: it is live again, and its deadline begins anew. */
void bus_task_store_released (BusTaskStore *store, BusTask *task, gint64 now_us);

/* The submitter has the result: moves the task to the window, if it is not there. */
void bus_task_store_settle (BusTaskStore *store, BusTask *task, gint64 now_us);

/* TRUE if LIVE is above its bound. A result is kept nevertheless, but its credit returns only when there is room again. */
static inline gboolean
bus_task_store_is_over (const BusTaskStore *store)
{
  return store->bytes[BUS_SHELF_LIVE] > store->limits->task_bytes;
}

/* Keeps the ticket of a result, and so its credit. @ticket: (transfer full) */
void bus_task_store_withhold (BusTaskStore *store, BusTicket *ticket);
/* Returns as much of this credit as there is room for. */
void bus_task_store_return_credit (BusTaskStore *store);

/* Returns the next task that has to leave its shelf, which is above its bound; NULL: none. The caller ends it (a quarantined
 * one) or calls bus_task_store_forget(). */
BusTask *bus_task_store_next_excess (const BusTaskStore *store);

/* Frees a task that was added and then not accepted. */
void bus_task_store_discard (BusTaskStore *store, BusTask *task);

/* Frees the task, and keeps its outcome as a settled id. The modules above have unlinked it. */
void bus_task_store_forget (BusTaskStore *store, BusTask *task);
