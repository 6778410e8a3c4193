/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json-value.h"

/*
 * The state of reading one payload from JSON, and its errors. An error names the path of the value, the expected value and the
 * actual one.
 */

typedef struct
{
  GString *path; /* path of the present value */
  guint depth;
  GError **error;
} CtlJsonReader;

/* Set an error (G_IO_ERROR_INVALID_DATA) about the value at the current path; return FALSE. */
gboolean ctl_json_fail (CtlJsonReader *reader, const char *problem);
gboolean ctl_json_expected (CtlJsonReader *reader, const char *what, const CtlJsonValue *found);

/* Appends a name to a list of names in an error. @place: its index; long lists are cut. */
void ctl_json_add_name (GString *names, guint place, const char *name);
