/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test-system.h"

/*
 * A program that a test runs and controls by lines of text: commands on its standard input, answers on its standard
 * output.
 *
 * A process uses the thread-default context of its creator. Functions that wait iterate that context, so clients in the
 * test keep working. The program ends when the test ends, also when the test crashes.
 */

typedef struct TestProcess TestProcess;

/* @argv: NULL-ended. @handle: the child's end of a TestChannel (taken), or -1. @environment: NULL-ended "A=b" to add,
 * or NULL. */
TestProcess *test_process_spawn (const char *const *argv, gintptr handle, const char *const *environment);

GPid test_process_pid (TestProcess *self);

/* Writes one line to its standard input. */
void test_process_send (TestProcess *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Waits for a line that starts with @prefix, removes it (earlier lines stay) and returns the text after the prefix and
 * one space. Fails the test when the program ends before it prints such a line. */
char *test_process_expect (TestProcess *self, const char *prefix);
/* The same without the result. */
void test_process_expect_line (TestProcess *self, const char *prefix);
/* TRUE: such a line was received. Does not wait. */
gboolean test_process_has (TestProcess *self, const char *prefix);
/* Number of such lines that were received. Does not wait. */
guint test_process_count (TestProcess *self, const char *prefix);
/* Removes all such lines. */
void test_process_drop (TestProcess *self, const char *prefix);

/* As in test-system.h. */
void test_process_suspend (TestProcess *self);
/* FALSE: it has ended by itself. */
gboolean test_process_try_suspend (TestProcess *self);
void test_process_resume (TestProcess *self);
void test_process_kill (TestProcess *self);
void test_process_ask_to_stop (TestProcess *self);
void test_process_interrupt (TestProcess *self);

/* Closes its standard input, unless it was killed, and waits until it has ended. Returns test_system_end_status(). */
int test_process_end (TestProcess *self);
gboolean test_process_has_ended (TestProcess *self);
void test_process_free (TestProcess *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestProcess, test_process_free)
