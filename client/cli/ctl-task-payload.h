/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * The payload of a task, or of a question to many, as the user gives it: JSON of a type, hexadecimal digits (--hex), or bytes
 * (--raw). The type of JSON is that of --payload-type, else the one that the registered collectors declare for the operation.
 */

typedef struct
{
  GBytes *bytes;   /* NULL: no payload */
  char *type_name; /* NULL: the type is not known */
} CtlTaskPayload;

void ctl_task_payload_clear (CtlTaskPayload *payload);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlTaskPayload, ctl_task_payload_clear)

/* @given: (nullable): the user's input. @payload: (out). FALSE: see @error. */
gboolean
ctl_task_payload_make (Ctl *ctl, const char *operation, GBytes *given, CtlTaskPayload *payload, GError **error);
