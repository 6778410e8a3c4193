/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "tasks-script.h"

/* A client that submits tasks to a scripted broker. */

/* Ids of the first requests of a client. */
#define SUBMIT_ID 2u
#define AWAIT_ID  4u

#define TASKS_PUSH(f, ...) tasks_script_push ((f)->in, AWAIT_ID, &(const ScriptPush){ __VA_ARGS__ })

void tasks_fixture_set_up (ClientFixture *f, gconstpointer data);

/* Submits a task of the operation "scan". @id: NULL: a random one. */
DeyeBusTask *tasks_fixture_submit (DeyeBusClient *client, const char *id);
/* Returns a task that the broker has accepted; the stream is open. */
DeyeBusTask *tasks_fixture_accepted (ClientFixture *f, const char *id);

/* Asserts that the client sent one Settle and nothing else. */
void tasks_fixture_expect_settle (ClientFixture *f, const char *ids);
void tasks_fixture_expect_silence (ClientFixture *f);
void tasks_fixture_expect_error (DeyeBusTask *task, gint code, const char *text);

/* Returns the number of tasks in the table of the client. */
guint tasks_fixture_n_live (ClientFixture *f);
