/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The parts of the tool's standard streams that differ between systems: the width of the terminal, standard input, and the
 * event that the reader of standard output has closed its end.
 *
 * This module formats and writes nothing; ctl-output does.
 */

/* Call it once, before any file is opened. It opens standard streams that are closed, so that no socket gets their number,
 * and makes a write to a pipe without a reader fail instead of ending the process. */
void ctl_console_prepare (void);

/* Returns the number of columns of the terminal at standard output; 0: unknown. */
guint ctl_console_columns (void);

/* Returns a stream for standard input; closing the stream does not close standard input. (transfer full) */
GInputStream *ctl_console_input_new (void);

/* Returns a source that is dispatched when the reader of standard output has closed its end. The callback is a GSourceFunc.
 * (transfer full) */
GSource *ctl_console_reader_gone_source_new (void);
