/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

/*
 * Words with a test-worker about what came to it: one function for each command, its answer as numbers. Which commands
 * there are is told in tests/integration/test-worker.c.
 */

typedef struct
{
  guint64 received;
  guint64 missed;
} WorkerGot;

typedef struct
{
  guint64 highest;                       /* number that came */
  guint64 before;                        /* messages that came to its other subscriptions before the first one here */
  guint64 full, refused, expired, limit; /* missed, by reason */
} WorkerDetail;

/* Subscribes as @name; @rest: "PATTERN GROUP MODE [POLICY ...]". */
void worker_subscribe (TestProcess *worker, const char *name, const char *rest);
/* Until it received, or was told to have missed, so many in all. */
void worker_await (TestProcess *worker, const char *name, guint64 total);
/* Asserts that nothing came twice or out of order. */
WorkerGot worker_report (TestProcess *worker, const char *name);
/* Asks @n workers again and again until the sum of all is @total: of a group nobody knows beforehand who gets how many. */
WorkerGot worker_await_sum (BusFixture *f, TestProcess **workers, guint n, const char *name, guint64 total);
WorkerDetail worker_detail (TestProcess *worker, const char *name);
void worker_publish (TestProcess *worker, const char *topic, guint n, guint size);
/* Sends a command and waits for the answer that begins with @answer. */
void worker_do (TestProcess *worker, const char *command, const char *answer);
/* The numbers behind @answer, @n of them. */
void worker_numbers (TestProcess *worker, const char *answer, guint64 *numbers, guint n);
