/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "chaos-ledger.h"
#include "deye-bus.h"

/*
 * The load of a chaos run: submitters that keep a number of tasks going, and follow each until it has ended.
 *
 * The first submitter detaches its tasks, the second one lets them be cancelled when it is gone. The seed, the submitter and the
 * number of a task determine its contents. When a submitter leaves, its client is closed; when it comes back, another client
 * submits the tasks that had not ended again, with the same ids.
 *
 * Each task ends once, which is a line of the ledger; anything else is a fault of the load.
 */

#define CHAOS_SUBMITTERS 2u

typedef struct ChaosLoad ChaosLoad;

ChaosLoad *chaos_load_new (const char *address, ChaosLedger *ledger, guint32 seed);
/* The submitters have left, or no task is alive. */
void chaos_load_free (ChaosLoad *self);

/* Submits, cancels and comes back as is due. With @submits FALSE nothing is submitted that was not before. */
void chaos_load_turn (ChaosLoad *self, gboolean submits);
/* FALSE: it has left already. */
gboolean chaos_load_leave (ChaosLoad *self, guint submitter, gint64 time_us);
void chaos_load_close (ChaosLoad *self);

/* Before the agent ends. */
void chaos_load_note_end_of_agent (ChaosLoad *self);

/* Tasks that have not ended. */
guint chaos_load_alive (const ChaosLoad *self);
/* One of them, with its state, for a message. */
char *chaos_load_describe (const ChaosLoad *self);
guint chaos_load_ended (const ChaosLoad *self, DeyeBusTaskState state);
/* The faults that were found; owned by @self. */
const GPtrArray *chaos_load_faults (const ChaosLoad *self);
