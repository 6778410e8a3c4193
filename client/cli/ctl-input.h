/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-options.h"

#include <gio/gio.h>

/*
 * The bytes of an argument: the text itself, the content of a file (@FILE), or standard input (-), as a whole, one JSON
 * value at a time, or one record at a time.
 *
 * Files are read, not mapped, because pipes and files of /proc have content but no size. It does not parse the values: a
 * value of a sequence ends at white space outside of brackets and strings.
 *
 * Invariant: never more than CTL_INPUT_MAX bytes are kept. More is an error.
 */

#define CTL_INPUT_MAX (16u * 1024u * 1024u) /* no broker accepts a larger payload */

typedef struct CtlInput CtlInput;

/* Opens what @argument names. (transfer full) */
CtlInput *ctl_input_open (const char *argument, GError **error);
void ctl_input_free (CtlInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlInput, ctl_input_free)

/* Everything; (transfer full). */
GBytes *ctl_input_read (CtlInput *input, GError **error);

/* The next value of a sequence, as soon as its end was read; (transfer full). NULL without @error: there are no more. */
GBytes *ctl_input_next_value (CtlInput *input, GError **error);

/* Records, which may come without an end: any bytes, with a framing between them. */
void ctl_input_set_framing (CtlInput *input, CtlFraming framing);
/* The next record of those that were read; (transfer full). NULL without @error: none is complete. */
GBytes *ctl_input_take_record (CtlInput *input, GError **error);
/* Reads once; waits until there is something to read. */
gboolean ctl_input_fill (CtlInput *input, GError **error);
/* TRUE: everything was read and taken. */
gboolean ctl_input_has_ended (const CtlInput *input);
/* A source that is dispatched when fill() does not wait; its callback is a GPollableSourceFunc. (transfer full) NULL: it never
 * waits. */
GSource *ctl_input_readable_source (CtlInput *input);
