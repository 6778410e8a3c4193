/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The log of a program: GLib's log records and the texts of g_printerr(), written by a log thread (platform-log-thread.h).
 *
 * Records are written to the journal when standard error is connected to it, otherwise as lines to standard error. Standard
 * error may be a pipe that no process reads, a stopped terminal or a journal that does not answer. Such a sink blocks only the
 * log thread: the other threads continue, and the program can end. Standard output is not part of the log.
 *
 * Only programs use this module. Libraries and the bus module leave the log to their host.
 *
 * Invariant: no stream of stdio is used for the log, so a blocked write holds no lock that exit() needs.
 */

/* Call it once, before other threads run. */
void platform_log_start (void);

/* Writes the remaining records, for at most a second. Records that are logged afterwards are lost. */
void platform_log_end (void);

/* Each system implements these functions. Writes to standard error; returns when everything is written or the write fails. */
void platform_log_write_stderr (const char *text, gsize len);
gboolean platform_log_stderr_is_journal (void);
gboolean platform_log_stderr_has_color (void);
