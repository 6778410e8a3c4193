/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "chaos-ledger.h"
#include "deye-bus.h"

/*
 * The questions of a chaos run: one client keeps some questions to many collectors open (deye_bus_client_gather_async()), in each
 * mode and with each requirement, and checks each answer and its manifest.
 *
 * - The sum of the manifest is right, and its counts are those of its entries.
 * - No collector is counted twice, and no shard; each answer belongs to an answered entry, and no entry has two answers.
 * - The verdict and the requirement follow from the counts. A partial answer is returned by the second call only.
 * - A question ends without a manifest only if it was cancelled or the agent has ended.
 *
 * Each answer is a line "final" of the ledger, so that the audit finds its run.
 */

typedef struct ChaosQuestions ChaosQuestions;

ChaosQuestions *chaos_questions_new (const char *address, ChaosLedger *ledger, guint32 seed);
/* All questions must have ended, and the client must be closed. */
void chaos_questions_free (ChaosQuestions *self);
void chaos_questions_close (ChaosQuestions *self);

/* Asks and cancels when it is time. @asks: FALSE: no new question. */
void chaos_questions_turn (ChaosQuestions *self, gboolean asks);
/* To be called before the agent ends. */
void chaos_questions_note_end_of_agent (ChaosQuestions *self);

guint chaos_questions_open (const ChaosQuestions *self);
/* The number of questions with each verdict, for a message. */
char *chaos_questions_describe (const ChaosQuestions *self);
/* The faults that were found; owned by @self. */
const GPtrArray *chaos_questions_faults (const ChaosQuestions *self);
