/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A JSON value that was read: a tree.
 *
 * Numbers keep their text, so that the type of the field decides whether a number fits. (json-glib changes integers above 2^63,
 * and no maintained JSON library in Debian 12 keeps the text of numbers.)
 *
 * Invariant: a tree is nested at most CTL_JSON_NESTED_MAX deep, no two members of an object have the same name, and
 * strings are UTF-8 without NUL.
 */

#define CTL_JSON_NESTED_MAX 64u

typedef enum
{
  CTL_JSON_NULL,
  CTL_JSON_FALSE,
  CTL_JSON_TRUE,
  CTL_JSON_NUMBER,
  CTL_JSON_STRING,
  CTL_JSON_ARRAY,
  CTL_JSON_OBJECT,
} CtlJsonKind;

typedef struct
{
  CtlJsonKind kind;
  char *text;       /* a number as it was written, or the contents of a string */
  GPtrArray *items; /* of CtlJsonValue: elements of an array, or values of the members of an object */
  GPtrArray *names; /* of char *: names of the members, in the order of @items */
} CtlJsonValue;

CtlJsonValue *ctl_json_value_new (CtlJsonKind kind);
/* @text: (transfer full) (nullable). */
CtlJsonValue *ctl_json_value_new_text (CtlJsonKind kind, char *text);
void ctl_json_value_free (CtlJsonValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlJsonValue, ctl_json_value_free)

/* Returns the number of elements or members. */
guint ctl_json_value_length (const CtlJsonValue *value);
const CtlJsonValue *ctl_json_value_item (const CtlJsonValue *value, guint place);
const char *ctl_json_value_name (const CtlJsonValue *value, guint place);

/* Numbers: TRUE if @text is a JSON number with exactly the value of an integer from @min to @max. "1e3" and "2.0" are such
 * numbers. */
gboolean ctl_json_text_to_signed (const char *text, gint64 min, gint64 max, gint64 *value);
gboolean ctl_json_text_to_unsigned (const char *text, guint64 max, guint64 *value);
/* TRUE if @text is a JSON number that a double can hold; it is rounded to the nearest one. */
gboolean ctl_json_text_to_real (const char *text, double *value);

/* Returns the length of the JSON number at the start of @text; 0: there is none. */
gsize ctl_json_number_length (const char *text, gsize len);
