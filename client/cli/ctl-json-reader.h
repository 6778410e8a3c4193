/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json-value.h"

/*
 * The state of reading one payload from JSON, and its errors. An error names the path of the value, what was expected, and
 * what was found.
 */

typedef struct
{
  GString *path; /* of the value that is read */
  guint depth;
  GError **error;
} CtlJsonReader;

/* Set an error (G_IO_ERROR_INVALID_DATA) about the value at the current path; return FALSE. */
gboolean ctl_json_fail (CtlJsonReader *reader, const char *problem);
gboolean ctl_json_expected (CtlJsonReader *reader, const char *what, const CtlJsonValue *found);

/* Appends one of several names to a list in an error. @place: its index; the list is cut when it gets long. */
void ctl_json_add_name (GString *names, guint place, const char *name);
