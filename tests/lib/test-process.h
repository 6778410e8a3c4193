/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * A program that a test runs and talks with in lines: commands to its standard input, answers from its standard output.
 *
 * Everything happens in the thread-default context of the caller; waiting iterates it, so clients of the test live on
 * meanwhile. The child dies with the test, whatever happens to that.
 */

typedef struct TestProcess TestProcess;

/* @argv: NULL-ended. @fd: given to the child as its fd 3 (taken over), or -1. @environment: NULL-ended "A=b" to add, or
 * NULL. */
TestProcess *test_process_spawn (const char *const *argv, int fd, const char *const *environment);

GPid test_process_pid (TestProcess *self);

/* One line to its standard input. */
void test_process_send (TestProcess *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Waits for the next line that starts with @prefix, takes it out (lines before it stay) and returns what stands behind
 * the prefix and one space. Fails the test when the program ends before. */
char *test_process_expect (TestProcess *self, const char *prefix);
/* The same, result not wanted. */
void test_process_expect_line (TestProcess *self, const char *prefix);
/* Whether such a line has come. Does not wait. */
gboolean test_process_has (TestProcess *self, const char *prefix);
/* Forgets such lines. */
void test_process_drop (TestProcess *self, const char *prefix);

/* After SIGSTOP it has stopped. */
void test_process_signal (TestProcess *self, int number);

/* Closes its standard input and waits until it has ended: the exit status, or minus the signal that ended it. */
int test_process_end (TestProcess *self);
gboolean test_process_has_ended (TestProcess *self);
void test_process_free (TestProcess *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestProcess, test_process_free)
