/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Errors of the tool, and what a script and a user learn from an error: the exit code and a hint.
 *
 * Errors of the client library are passed on as they are; this module only classifies them.
 */

typedef enum
{
  CTL_EXIT_OK = 0,
  CTL_EXIT_FAILED = 1,
  CTL_EXIT_USAGE = 2,
  CTL_EXIT_NO_BROKER = 3,
  CTL_EXIT_DENIED = 4,
  CTL_EXIT_TIMEOUT = 5,
  CTL_EXIT_NOTHING = 6,
  CTL_EXIT_PARTIAL = 7,
} CtlExit;

#define CTL_ERROR (ctl_error_quark ())
GQuark ctl_error_quark (void);
/* Error codes are CtlExit. */
gboolean ctl_fail (GError **error, CtlExit exit_code, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* @error: (nullable): no error. @connected: TRUE if there is still a connection to the broker after the error. */
CtlExit ctl_exit_of (const GError *error, gboolean connected);

/* A hint for some errors of the library, which does not know that this tool could help. NULL: none. Translated. */
const char *ctl_error_hint (const GError *error);

/* The text of a failure that a responder has named: the message without what the library puts in front of it. */
const char *ctl_error_responder_text (const GError *error);
