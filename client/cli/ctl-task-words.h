/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The words for states and strategies, which the tool prints and reads, and the words for the reasons of waiting.
 *
 * Words that are values of options are not translated. A value that only a newer broker knows is printed as "?".
 */

typedef enum
{
  CTL_WORDS_TASK_STATES,
  CTL_WORDS_COLLECTOR_STATES,
  CTL_WORDS_STRATEGIES,
  CTL_N_WORDS,
} CtlWords;

const char *ctl_words_name (CtlWords words, guint value);
/* Reads the value of an option. @option: its name. FALSE: see @error, which lists the words. */
gboolean ctl_words_read (CtlWords words, const char *option, const char *text, guint *value, GError **error);

/* Returns the reason why a queued or delayed task waits, for a column of a table; translated. "": it does not wait. */
const char *ctl_words_awaited (guint reason);

/* Return the names of the protocol, which JSON output contains. */
const char *ctl_words_json_state (guint state);
const char *ctl_words_json_reason (guint reason);
