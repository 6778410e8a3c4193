/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "chaos-ledger.h"
#include "deye-bus.h"

/*
 * The load of a chaos run: submitters that keep a number of tasks running, and watch each until it has ended.
 *
 * The tasks of the first submitter are detached, those of the second one are cancelled when it disconnects. The seed, the
 * submitter and the number of a task determine its contents. When a submitter leaves, its client is closed; when it returns,
 * another client submits the tasks that have not ended again, with the same ids.
 *
 * Each task must end once, which is written to the ledger. Anything else is a fault.
 */

#define CHAOS_SUBMITTERS 2u

typedef struct ChaosLoad ChaosLoad;

ChaosLoad *chaos_load_new (const char *address, ChaosLedger *ledger, guint32 seed);
/* The clients of the submitters must be closed, see chaos_load_close(). */
void chaos_load_free (ChaosLoad *self);

/* Submits, cancels and reconnects when it is time. @submits: FALSE: no new task is submitted. */
void chaos_load_turn (ChaosLoad *self, gboolean submits);
/* Lets a submitter leave. FALSE: it has left already. */
gboolean chaos_load_leave (ChaosLoad *self, guint submitter, gint64 time_us);
void chaos_load_close (ChaosLoad *self);

/* To be called before the agent ends. */
void chaos_load_note_end_of_agent (ChaosLoad *self);

/* The number of tasks that have not ended. */
guint chaos_load_alive (const ChaosLoad *self);
/* Describes one of them, for a message. */
char *chaos_load_describe (const ChaosLoad *self);
guint chaos_load_ended (const ChaosLoad *self, DeyeBusTaskState state);
/* The faults that were found; owned by @self. */
const GPtrArray *chaos_load_faults (const ChaosLoad *self);
