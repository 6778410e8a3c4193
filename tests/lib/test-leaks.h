/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Checks that something that is started and stopped leaves no descriptor and no thread.
 *
 * @round starts and stops it. The first round may keep some for the life of the process, as GLib does; the check
 * compares the state after the first round with that after the last of @n_rounds. A thread that never ends makes this
 * function wait until the test's watchdog ends the test.
 */
void test_leaks_assert_none (guint n_rounds, void (*round) (guint i, gpointer data), gpointer data);
