/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Functions of the operating system that tests need and that GLib does not have on every platform.
 *
 * Each platform implements these functions in a folder of its own (posix/). They assert that they succeed, so a test
 * needs no error handling. They do not use the product's platform code: a test must not rely on the code that it tests.
 */

/* Results of test_system_end_status() for a program that was ended by a signal, and has no exit status. */
#define TEST_SYSTEM_KILLED        (-9)
#define TEST_SYSTEM_ASKED_TO_STOP (-15)

/* --- this process --- */

guint test_system_pid (void);
/* The account that runs the tests, as the broker sees it. */
guint test_system_account (void);
guint test_system_count_descriptors (void);
guint test_system_count_threads (void);
GInputStream *test_system_standard_input (void);
/* From now on this process ends when its parent ends. */
void test_system_die_with_parent (void);

/* --- other processes --- */

/* The spawned program will end when this process ends. @handle (-1: none) is passed to it and closed here; the program gets it
 * with test_channel_inherited(). */
void test_system_prepare_child (GSubprocessLauncher *launcher, gintptr handle);
/* Returns when the process has stopped. FALSE: it has ended. */
gboolean test_system_suspend (GSubprocess *process);
void test_system_resume (GSubprocess *process);
void test_system_kill (GSubprocess *process);
/* Sends the signal that a service manager sends to stop a program. */
void test_system_ask_to_stop (GSubprocess *process);
/* Sends the signal that a terminal sends for Control-C. */
void test_system_interrupt (GSubprocess *process);
/* Exit status of a process that has ended, or one of the constants above. */
int test_system_end_status (GSubprocess *process);
/* Kills the process, even if it is suspended. It must be a child that is not yet reaped. */
void test_system_kill_pid (GPid pid);
/* TRUE: the process is a child of this one, running or not yet reaped. */
gboolean test_system_is_child (GPid pid);

/* --- addresses --- */

/* Asserts that only this account can connect to the broker at @address and create files in its directory. */
void test_system_assert_private (const char *address);
