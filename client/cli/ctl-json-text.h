/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * The text of a JSON value, as RFC 8259 defines it.
 *
 * json-glib holds the tree, but does not write it: its text of a large double is not JSON (1e+19.0), and other doubles have
 * more digits than they need.
 *
 * Invariant: a number is written with the fewest digits that are read as the same double, and with a mark
 * of a double (".0", ".5" or "e+19").
 */

#define CTL_JSON_REAL_SIZE 40u

/* The text is UTF-8 without line ends, or with @pretty on several lines. Invalid bytes in strings become U+FFFD.
 * (transfer full) */
char *ctl_json_text (JsonNode *node, gboolean pretty);

/* The shortest text that reads as @value; @text has CTL_JSON_REAL_SIZE bytes. Numbers that JSON cannot express become
 * "NaN", "Infinity" and "-Infinity", with their quotes. Returns @text. */
const char *ctl_json_real_text (double value, char *text);
