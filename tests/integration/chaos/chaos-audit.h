/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The audit of a ledger (chaos-ledger.h): what it shows that must not be.
 *
 * - Two runs of a task whose operation must not run twice are open at the same time. A run is open from its begin to its end, or
 *   to the death of its instance. After the end of an agent this may be: when the holder does not come to the next one in time, or
 *   the submitter does not know of it, the claim of the holder is not taken up (doc/coordination.md, "The broker restarts").
 *   These are counted. With a recovery window that is too short for a holder to come back, no claim need be taken up.
 * - A result is accepted that another run had overtaken: while it was open, the task was given to somebody else.
 * - A result that no run has sent, or a run after the result, or after the submitter was told that the task is unknown.
 * - A collector has stopped as asked while a run was open.
 */

typedef struct
{
  GPtrArray *faults; /* of char* */
  guint runs;
  guint excused;  /* runs at the same time, over the end of an agent */
  guint repeated; /* runs of a task after its first one */
} ChaosAudit;

ChaosAudit *chaos_audit_new (const char *path, gboolean holders_come_in_time);
void chaos_audit_free (ChaosAudit *self);
