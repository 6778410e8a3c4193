/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * What is shown: lines, tables, and JSON, an object a line.
 *
 * A table fits the terminal: the widest columns that may be cut are cut. Into a pipe it is never cut. Colour only on a
 * terminal and without NO_COLOR. What peers say is made harmless first: no control character of theirs reaches the
 * terminal.
 *
 * Invariant: once the reader of our output has gone, nothing more is written, and that is no failure; every other write
 * that fails is one.
 */

typedef struct
{
  gboolean json;
  gboolean colour;
  guint width;   /* of the terminal; 0: no terminal */
  gboolean gone; /* nobody reads any more */
  int failed;    /* errno of a write that failed otherwise; 0: none */
} CtlOutput;

void ctl_output_init (CtlOutput *output, gboolean json);

/* As it is shown: control characters escaped; (transfer full). @text: (nullable), any bytes. */
char *ctl_output_safe (const char *text);

/* A line, as it is; @text is ours, or was made harmless. */
void ctl_output_line (CtlOutput *output, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_output_title (CtlOutput *output, const char *text);
/* Bytes as they are. */
void ctl_output_bytes (CtlOutput *output, gconstpointer data, gsize len);
/* One line. */
void ctl_output_json (CtlOutput *output, JsonNode *node);
/* (transfer full) of @object. */
void ctl_output_json_object (CtlOutput *output, JsonObject *object);
/* On several lines, where people read it; else on one. */
void ctl_output_json_pretty (CtlOutput *output, JsonNode *node);
/* @text is well-formed already. */
void ctl_output_xml (CtlOutput *output, const char *text);
void ctl_output_flush (CtlOutput *output);

/* "label      value" of a short list; @value: any text of a peer. */
void ctl_output_field (CtlOutput *output, const char *label, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* --- tables --- */

typedef enum
{
  CTL_COLUMN_LEFT,
  CTL_COLUMN_RIGHT,   /* numbers */
  CTL_COLUMN_SHRINKS, /* left, and cut when there is no room */
} CtlColumnKind;

typedef struct
{
  const char *title; /* to be translated by the caller */
  CtlColumnKind kind;
} CtlColumn;

typedef struct CtlTable CtlTable;
CtlTable *ctl_table_new (const CtlColumn *columns, guint n_columns);
/* One cell after the other, a row ends with its last column. */
void ctl_table_cell (CtlTable *table, const char *format, ...) G_GNUC_PRINTF (2, 3);
guint ctl_table_rows (const CtlTable *table);
void ctl_table_show (const CtlTable *table, CtlOutput *output);
void ctl_table_free (CtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTable, ctl_table_free)

/* "512", "3.4M", "64M": K, M, G ... of 1024; (transfer full). */
char *ctl_bytes (guint64 bytes);
/* "3 h 12 min", "0.8 s"; (transfer full). */
char *ctl_duration (guint64 us);
/* "2026-11-24 10:15:01", local; (transfer full). */
char *ctl_moment (guint64 wall_us, gboolean with_fraction);
