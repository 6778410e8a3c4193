/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The terminal that a program may have been started from. */

/* TRUE: standard output is a terminal that understands colour escapes, not a file or a pipe. */
gboolean platform_console_is_terminal (void);
