/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

/*
 * Commands to a test-worker, one function for each, with the answer as numbers. tests/integration/test-worker.c
 * describes the commands.
 */

typedef struct
{
  guint64 received;
  guint64 missed;
} WorkerGot;

typedef struct
{
  guint64 highest;                       /* highest message number received */
  guint64 before;                        /* messages that its other subscriptions received before the first one here */
  guint64 full, refused, expired, limit; /* missed messages, by reason */
} WorkerDetail;

/* Subscribes as @name; @rest: "PATTERN GROUP MODE [POLICY ...]". */
void worker_subscribe (TestProcess *worker, const char *name, const char *rest);
/* Waits until the number of received messages and of those reported as missed is @total. */
void worker_await (TestProcess *worker, const char *name, guint64 total);
/* Asserts that no message was received twice or out of order. */
WorkerGot worker_report (TestProcess *worker, const char *name);
/* Asks @n workers repeatedly until the sum of all is @total. The share of each member of a group is not known. */
WorkerGot worker_await_sum (BusFixture *f, TestProcess **workers, guint n, const char *name, guint64 total);
WorkerDetail worker_detail (TestProcess *worker, const char *name);
void worker_publish (TestProcess *worker, const char *topic, guint n, guint size);
/* Sends a command and waits for an answer that starts with @answer. */
void worker_do (TestProcess *worker, const char *command, const char *answer);
/* Waits for an answer that starts with @answer, and reads the @n numbers after that. */
void worker_numbers (TestProcess *worker, const char *answer, guint64 *numbers, guint n);
