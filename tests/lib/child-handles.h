/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Lists the open handles that a process passes to the programs that it runs: it runs itself as a child without closing any, and
 * the child lists its open handles.
 *
 * A test program calls child_handles_run_list() first in main(), and child_handles_print() to make the list.
 */

/* If this process is such a child: prints "child-fd N TARGET" for each open handle, and returns TRUE. */
gboolean child_handles_run_list (int argc, char **argv);

/* In the parent: prints the child's lines, then "child-done". */
void child_handles_print (void);
