/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The audit of a ledger (chaos-ledger.h). It lists violations of these rules:
 *
 * - Two runs of a task whose operation must not run twice are never open at the same time. A run is open from its start to its
 *   end, or to the death of its instance. The end of an agent permits exceptions: if the holder does not connect to the next agent
 *   in time, or the submitter does not know of the run, the claim of the holder is not adopted (doc/coordination.md, "The broker
 *   restarts"). The audit counts them. If the recovery window is too short for a holder to connect again, no claim need be
 *   adopted.
 * - No result of a run is accepted after the task was given to another collector while the run was open.
 * - Each result was sent by a run. No run begins after the result, or after the submitter received the answer that the task is
 *   unknown.
 * - A collector that stops on request has no open run.
 */

typedef struct
{
  GPtrArray *faults; /* of char* */
  guint runs;
  guint excused;  /* simultaneous runs, which are permitted after the end of an agent */
  guint repeated; /* runs of a task after its first one */
} ChaosAudit;

ChaosAudit *chaos_audit_new (const char *path, gboolean holders_come_in_time);
void chaos_audit_free (ChaosAudit *self);
