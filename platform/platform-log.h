/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The log of a program: GLib's log records and the texts of g_printerr(), written by a log thread (platform-log-thread.h).
 *
 * Records are written to the journal when standard error is connected to it, otherwise as lines to standard error. Standard
 * error may be a pipe that nobody reads, a stopped terminal or a journal that does not answer. Such a sink blocks the log
 * thread only: the threads of the program keep working, and the program can end. Standard output is not part of the log.
 *
 * For programs only. A library and the module leave the log to their host.
 *
 * Invariant: no stream of stdio is used for the log, so a blocked write holds no lock that exit() needs.
 */

/* Call it once, before other threads run. */
void platform_log_start (void);

/* Writes the records that are left, for at most a second. Records that are logged later are lost. */
void platform_log_end (void);

/* Implemented for each system: writes to standard error, and returns when everything is written or writing fails. */
void platform_log_write_stderr (const char *text, gsize len);
gboolean platform_log_stderr_is_journal (void);
gboolean platform_log_stderr_has_color (void);
