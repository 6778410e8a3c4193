/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The watchdog: a test that hangs ends with a message, and takes its child processes along.
 *
 * A thread of its own, so it also bites while the test sits in a blocking call. It knows the pids that this test started
 * and not yet reaped, and kills only these. There is one, because there is one test at a time.
 */

void test_watchdog_start (const char *what);
void test_watchdog_stop (void);

/* What the test waits for now; told when it hangs. NULL: nothing. */
void test_watchdog_note (const char *format, ...) G_GNUC_PRINTF (1, 2);

void test_watchdog_own (GPid pid);
void test_watchdog_disown (GPid pid); /* before it is reaped */
