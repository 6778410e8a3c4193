/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Errors of the tool: the exit code that a script gets for an error, and the hint that a user gets.
 *
 * Errors of the client library are passed on unchanged; this module only classifies them.
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
/* @error: (nullable): NULL: no error. @connected: TRUE: there is still a connection to the broker after the error. */
CtlExit ctl_exit_of (const GError *error, gboolean connected);

/* Returns a hint for some errors of the library, about a use of this tool that helps. NULL: none. Translated. */
const char *ctl_error_hint (const GError *error);

/* Returns the text of an error that a responder has reported: the message without the prefix of the library. */
const char *ctl_error_responder_text (const GError *error);
