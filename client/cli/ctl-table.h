/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-output.h"

/*
 * Tables: rows of cells under the titles of their columns. On a terminal the widest of the columns that may be cut are cut, so
 * that the table fits. In a pipe no column is cut.
 */

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
