/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task-fixture.h"

/* A task "t" that the member w1 works on when the broker or the connection is replaced, beside task-fixture. */

#define SECOND G_TIME_SPAN_SECOND

/* Submits the task again with the holder and the attempt of the last push. Returns the state in the verdict. */
guint adoption_resubmit (Client *agent, const char *id, const char *holder, guint attempt);
/* Makes a broker in which w1 works on t, and then replaces the broker. */
Job *adoption_run_and_restart (Core *core);
/* Returns the next task that was sent to the member. Asserts that it is the attempt of @before with a new token. */
Job *adoption_expect (Client *worker, const Job *before, gboolean is_finished);
