/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-options.h"

#include <gio/gio.h>

/*
 * The bytes of an argument: the text itself, the content of a file (@FILE), or standard input (-), as a whole, one JSON
 * value at a time, or one record at a time.
 *
 * Files are read, not mapped, because pipes and files of /proc have content but no size. The module does not parse the values: a
 * value of a sequence ends at white space outside of brackets and strings.
 *
 * Invariant: at most CTL_INPUT_MAX bytes are kept. A longer text or value is an error.
 */

#define CTL_INPUT_MAX (16u * 1024u * 1024u) /* no broker accepts a larger payload */

typedef struct CtlInput CtlInput;

/* Opens the input that @argument describes. (transfer full) */
CtlInput *ctl_input_open (const char *argument, GError **error);
void ctl_input_free (CtlInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlInput, ctl_input_free)

/* Reads the whole input. (transfer full) */
GBytes *ctl_input_read (CtlInput *input, GError **error);

/* Reads the next value of a sequence; it waits only until the end of the value was read. NULL without @error: there are no more.
 * (transfer full) */
GBytes *ctl_input_next_value (CtlInput *input, GError **error);

/* Selects the framing of records, which are any bytes. The input may have no end. */
void ctl_input_set_framing (CtlInput *input, CtlFraming framing);
/* Takes the next record that was read completely. NULL without @error: none is complete. (transfer full) */
GBytes *ctl_input_take_record (CtlInput *input, GError **error);
/* Reads once, and waits until there are bytes to read. */
gboolean ctl_input_fill (CtlInput *input, GError **error);
/* TRUE: all records were read and taken. */
gboolean ctl_input_has_ended (const CtlInput *input);
/* Returns a source that is dispatched when ctl_input_fill() would not wait; its callback is a GPollableSourceFunc. NULL: that
 * function never waits. (transfer full) */
GSource *ctl_input_readable_source (CtlInput *input);
