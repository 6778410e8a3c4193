/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The terminal that a program may have been started from. */

/* TRUE if standard output is shown on a terminal that understands colour escapes, and not written to a file or a
 * pipe. */
gboolean platform_console_is_terminal (void);
