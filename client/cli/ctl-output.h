/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Standard output of the tool: lines, tables, and JSON with one object per line.
 *
 * Colour is used only on a terminal and without NO_COLOR. The caller must escape text of peers (terminal-text) before it prints it
 * as a line; this module escapes fields and JSON.
 *
 * Invariant: after the reader of the output has closed its end, no more output is written, and this is not an error. Every other
 * failed write is an error.
 */

typedef struct
{
  gboolean json;
  gboolean colour;
  guint width;   /* columns of the terminal; 0: not a terminal */
  gboolean gone; /* the reader has closed its end, or does not read while a stop is requested */
  int failed;    /* errno of a write that failed for another reason; 0: none */
} CtlOutput;

void ctl_output_init (CtlOutput *output, gboolean json);

/* Prints a line unchanged. Text of peers in it must already be escaped. */
void ctl_output_line (CtlOutput *output, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_output_title (CtlOutput *output, const char *text);
/* Prints bytes without any change. */
void ctl_output_bytes (CtlOutput *output, gconstpointer data, gsize len);
/* Prints @node on one line. */
void ctl_output_json (CtlOutput *output, JsonNode *node);
/* @object: (transfer full). */
void ctl_output_json_object (CtlOutput *output, JsonObject *object);
/* Prints @node on several lines on a terminal, else on one. */
void ctl_output_json_pretty (CtlOutput *output, JsonNode *node);
/* @text: well-formed XML. */
void ctl_output_xml (CtlOutput *output, const char *text);
void ctl_output_flush (CtlOutput *output);

/* Prints "label      value", a row of a short list. The value is escaped. */
void ctl_output_field (CtlOutput *output, const char *label, const char *format, ...) G_GNUC_PRINTF (3, 4);
