/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Compares a table of processes from collectors with two snapshots (job-proc), which were taken before and after it.
 *
 * Processes start and exit between the snapshots. A process that existed only between them can't be distinguished from an invented
 * one, so a comparison with such a process has no result and should be repeated.
 */

typedef struct
{
  guint stayed;  /* in /proc before and after */
  guint missing; /* of these, not in the table */
  guint twice;   /* in the table more than once */
  guint unknown; /* in the table, but in neither snapshot, and started before the first one */
  guint passing; /* in the table, in neither snapshot, started between them, and perhaps ended there */
} JobVerdict;

/* @records: of const JobRecord. @since: a start time (job_proc_now()) from before the first snapshot. */
JobVerdict job_compare (const GPtrArray *records, GHashTable *before, GHashTable *after, guint64 since);

/* TRUE: the only mismatches are processes that may have existed only between the snapshots. */
gboolean job_verdict_is_disturbed (const JobVerdict *verdict);
