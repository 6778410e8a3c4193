/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tasks.h"

/*
 * An explanation of a task: one sentence about why it is in its state, and one about what can be done.
 *
 * It is made of the record of the task alone, except for the reason NO_CAPABILITY: collectors are then compared with what the task
 * asks for, up to the first condition that none fulfils.
 */

typedef struct
{
  char *why;    /* translated */
  char *advice; /* translated; NULL: nothing is to be done */
} CtlWhy;

/* @collectors: (nullable): those that have the operation; needed for NO_CAPABILITY only. */
void ctl_why_init (CtlWhy *why, const CtlTask *task, const CtlList *collectors);
void ctl_why_clear (CtlWhy *why);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlWhy, ctl_why_clear)
