/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tasks.h"

/*
 * An explanation of a task for people: one sentence with the reason of its state, and one with the possible remedy.
 *
 * It needs only the record of the task. For the reason NO_CAPABILITY it also compares the collectors with the requirements of the
 * task, and names the first requirement that no collector meets.
 */

typedef struct
{
  char *why;    /* translated */
  char *advice; /* translated; NULL: no action is needed */
} CtlWhy;

/* @collectors: (nullable): collectors that have the operation; needed only for NO_CAPABILITY. */
void ctl_why_init (CtlWhy *why, const CtlTask *task, const CtlList *collectors);
void ctl_why_clear (CtlWhy *why);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlWhy, ctl_why_clear)
