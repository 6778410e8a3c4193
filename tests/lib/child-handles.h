/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Shows which open handles a process passes to the programs that it runs: it runs itself as a child, closes nothing in
 * between, and the child lists what it has open.
 *
 * A test program calls child_handles_run_list() first in main(), and child_handles_print() when it is asked to.
 */

/* In the child: prints "child-fd N TARGET" for each open handle, and returns TRUE when it was started for that. */
gboolean child_handles_run_list (int argc, char **argv);

/* In the parent: prints the child's lines, then "child-done". */
void child_handles_print (void);
