/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task-fixture.h"

/* A task "t" that the member w1 works on when the broker or the connection is replaced, beside task-fixture. */

#define SECOND G_TIME_SPAN_SECOND

/* Submits the task again, as the last push had named holder and attempt. Returns the state that the verdict says. */
guint adoption_resubmit (Client *agent, const char *id, const char *holder, guint attempt);
/* A broker in which w1 works on t, and then the next broker. */
Job *adoption_run_and_restart (Core *core);
/* The next task that the member was sent, which is asserted to give it the attempt @before back, with a new token. */
Job *adoption_expect (Client *worker, const Job *before, gboolean is_finished);
