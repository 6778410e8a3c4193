/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Readiness: a program notifies the process that started it that it works now.
 *
 * The starter passes an open descriptor (on Windows a handle) by number, such as the write end of a pipe with
 * `--ready-fd N`, and waits for a line on it. A starter that waits needs no polling and no sleep, and reads the end of the
 * pipe when the program fails before it is ready.
 */

/* Writes @line and a newline, then closes @handle unless it is one of the standard streams. Negative: does nothing.
 * A starter that has closed its end is not an error. */
void platform_ready_report (gintptr handle, const char *line);
