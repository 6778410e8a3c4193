/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The ledger of a chaos run: a file to which all processes of the run append lines.
 *
 * A line is one write to a file that is opened for appending, so the lines of all processes are in the order of the events, and
 * a process that is killed leaves no part of a line. The lines are
 *
 *   registered INSTANCE EPOCH                    a collector; an instance is one process, such as "w3.17"
 *   begin INSTANCE TASK ATTEMPT OPERATION EPOCH  its handler was called; EPOCH is that of the broker
 *   end INSTANCE TASK ATTEMPT HOW                its handler has ended; written before the outcome is sent
 *   dead INSTANCE                                written before the instance is killed, or kills itself
 *   left INSTANCE                                it has stopped as asked
 *   agent                                        written before the agent is killed or stopped
 *   known TASK COLLECTOR ATTEMPT                 the holder that the submitter of a task knows when the agent ends, or when the
 *                                                submitter leaves
 *   final TASK STATE RESULT                      the submitter has the outcome; the result is "INSTANCE/ATTEMPT/TASK" or "-"
 *
 * A task of a question to many collectors is called "ID@EPOCH", because each broker generates the same ids.
 */

typedef struct ChaosLedger ChaosLedger;

ChaosLedger *chaos_ledger_open (const char *path);
void chaos_ledger_free (ChaosLedger *self);
void chaos_ledger_write (ChaosLedger *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
