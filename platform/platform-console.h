/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The standard streams of a program, and the terminal that it may have been started from. */

/* Opens standard streams that are closed, for reading only: a write to them still fails. Call it first in main(): otherwise the
 * next socket gets the number of a closed stream, and the log is written into the socket. */
void platform_console_fill_streams (void);

/* TRUE: standard output is a terminal that understands colour escapes, not a file or a pipe. */
gboolean platform_console_is_terminal (void);
