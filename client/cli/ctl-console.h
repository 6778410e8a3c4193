/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The tool's standard streams, as far as systems differ in them: the width of the terminal, raw standard input, and whether
 * somebody still reads standard output.
 *
 * It formats nothing and writes nothing; ctl-output does.
 */

/* Once, before anything is opened. Standard streams that are closed are opened on nothing, so that no socket takes their
 * place, and a write to a pipe that nobody reads fails instead of ending the process. */
void ctl_console_prepare (void);

/* Columns of the terminal that standard output is; 0: unknown. */
guint ctl_console_columns (void);

/* Reads some bytes of standard input. Returns 0 at its end, and -1 with @error on failure. */
gssize ctl_console_read (gpointer buffer, gsize size, GError **error);

/* A source that is dispatched once nobody reads standard output any more. The callback is a GSourceFunc. (transfer full) */
GSource *ctl_console_reader_gone_source_new (void);
