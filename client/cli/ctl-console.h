/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The parts of the tool's standard streams that differ between systems: the width of the terminal, standard input, and
 * the moment when the reader of standard output has gone.
 *
 * It formats and writes nothing; ctl-output does.
 */

/* Call it once, before anything is opened. It opens the standard streams that are closed, so that no socket takes their
 * place, and makes a write to a pipe without a reader fail instead of ending the process. */
void ctl_console_prepare (void);

/* Columns of the terminal behind standard output; 0: unknown. */
guint ctl_console_columns (void);

/* Standard input as it is; closing the stream leaves it open. (transfer full) */
GInputStream *ctl_console_input_new (void);

/* A source that is dispatched when the reader of standard output has gone. The callback is a GSourceFunc. (transfer
 * full) */
GSource *ctl_console_reader_gone_source_new (void);
