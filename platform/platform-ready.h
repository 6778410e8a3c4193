/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Readiness: a program notifies the process that started it that it is ready.
 *
 * The parent process passes the number of an open descriptor (on Windows a handle), such as the write end of a pipe with
 * `--ready-fd N`, and waits for a line from it. It needs no polling and no sleep, and it reads the end of the pipe if the
 * program fails before it is ready.
 */

/* Writes @line and a newline, then closes @handle unless it is one of the standard streams. Negative: does nothing.
 * It is not an error if the parent has closed its end. */
void platform_ready_report (gintptr handle, const char *line);
