/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Standard output of the tool: lines, tables, and JSON with one object per line.
 *
 * A table fits the terminal: its widest columns are cut where they may be. In a pipe nothing is cut. Colour is used only on
 * a terminal and without NO_COLOR. Text of peers is escaped first, so that no control character from a peer reaches the
 * terminal.
 *
 * Invariant: once the reader of the output has gone, nothing more is written, and that is not a failure. Every other failed
 * write is one.
 */

typedef struct
{
  gboolean json;
  gboolean colour;
  guint width;   /* columns of the terminal; 0: not a terminal */
  gboolean gone; /* the reader has gone */
  int failed;    /* errno of a write that failed for another reason; 0: none */
} CtlOutput;

void ctl_output_init (CtlOutput *output, gboolean json);

/* Escapes control characters and invalid UTF-8; (transfer full). @text: (nullable), any bytes. */
char *ctl_output_safe (const char *text);

/* Prints a line as it is. Text of peers in it must have been escaped before. */
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

/* Prints "label      value" of a short list. The value is escaped. */
void ctl_output_field (CtlOutput *output, const char *label, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* --- tables --- */

typedef enum
{
  CTL_COLUMN_LEFT,
  CTL_COLUMN_RIGHT,   /* numbers */
  CTL_COLUMN_SHRINKS, /* left, and cut when the line is too long */
} CtlColumnKind;

typedef struct
{
  const char *title; /* marked with N_() by the caller */
  CtlColumnKind kind;
} CtlColumn;

typedef struct CtlTable CtlTable;
CtlTable *ctl_table_new (const CtlColumn *columns, guint n_columns);
/* Adds one cell. A row ends with its last column. */
void ctl_table_cell (CtlTable *table, const char *format, ...) G_GNUC_PRINTF (2, 3);
guint ctl_table_rows (const CtlTable *table);
void ctl_table_show (const CtlTable *table, CtlOutput *output);
void ctl_table_free (CtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTable, ctl_table_free)

/* "512", "3.4M", "64M" with units of 1024; (transfer full). */
char *ctl_bytes (guint64 bytes);
/* "3 h 12 min", "0.8 s"; (transfer full). */
char *ctl_duration (guint64 us);
/* "2026-11-24 10:15:01" in local time; (transfer full). */
char *ctl_moment (guint64 wall_us, gboolean with_fraction);
