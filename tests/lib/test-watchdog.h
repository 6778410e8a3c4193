/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Ends a test that takes too long: prints the condition that the test waits for, kills its child processes, and aborts.
 *
 * The watchdog runs in a thread of its own, so that it works while the test is in a blocking call. It kills only
 * processes that this test started and has not reaped. There is one watchdog, because a test program runs one test at a
 * time.
 */

void test_watchdog_start (const char *what);
void test_watchdog_stop (void);

/* Describes the condition that the test waits for, for the watchdog's message. NULL: nothing. */
void test_watchdog_note (const char *format, ...) G_GNUC_PRINTF (1, 2);

void test_watchdog_own (GPid pid);
void test_watchdog_disown (GPid pid); /* call it before the process is reaped */
