/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Text for a terminal: control characters are escaped, and widths are counted in columns.
 *
 * Peers choose most of the text that the programs show, and the processes that a peer reports choose their command lines. No
 * control character in such a text may reach the terminal. This module does not print.
 */

/* Escapes control characters and invalid UTF-8; (transfer full). @text: (nullable), any bytes. */
char *terminal_text_safe (const char *text);

/* Escape the control characters of a document in UTF-8. In JSON and XML they can only occur in strings, where the format has an
 * escaped form of its own. Line ends are kept. (transfer full) */
char *terminal_text_escape_json (const char *json);
char *terminal_text_escape_xml (const char *xml);

/* Returns the number of terminal columns that @text needs. */
guint terminal_text_columns (const char *text);

/* Appends @n spaces. */
void terminal_text_pad (GString *line, guint n);

/* Cuts @text to @width columns; (transfer full). A cut text ends with an ellipsis. */
char *terminal_text_cut (const char *text, guint width);
