/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The history of a seed: counts the outcomes of all tasks that the broker has accepted.
 *
 * A *run* is one call of a collector's handler for an attempt. Its number, which no other run has, is the payload of its
 * result. So a result that a submitter gets identifies its run.
 *
 * lost: accepted, and at the end neither ended nor live. unexpected: a result of a run whose lease was not valid, a second
 * result of one task, or a result that no collector sent. duplicated: more than one run of a task had a result, of which one
 * was accepted. recovered: succeeded after an attempt that ended without a result.
 */

typedef struct
{
  guint64 accepted;
  guint64 succeeded;
  guint64 runs;
  guint64 lost;
  guint64 unexpected;
  guint64 duplicated;
  guint64 recovered;
} TasksSums;

typedef struct
{
  TasksSums sums;
} TasksHistory;
