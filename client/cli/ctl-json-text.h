/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * The text of a JSON value, as RFC 8259 defines it.
 *
 * The tree is that of json-glib, but this module writes it: json-glib's text of a large double is not JSON (1e+19.0), and other
 * doubles get more digits than necessary.
 *
 * Invariant: a double is written with the fewest digits that are read as the same double, and so that it can't be taken for an
 * integer (".0", ".5" or "e+19").
 */

#define CTL_JSON_REAL_SIZE 40u

/* Returns the text: UTF-8 on one line, or on several lines with @pretty. Invalid bytes in strings become U+FFFD.
 * (transfer full) */
char *ctl_json_text (JsonNode *node, gboolean pretty);

/* Writes the shortest text that is read as @value to @text, which has CTL_JSON_REAL_SIZE bytes. Numbers that JSON can't express
 * become "NaN", "Infinity" and "-Infinity", with the quotes. Returns @text. */
const char *ctl_json_real_text (double value, char *text);
