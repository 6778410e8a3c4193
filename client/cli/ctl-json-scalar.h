/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-json-reader.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Scalar values of JSON, read into a field: numbers, truth values, enums, strings and bytes. Messages, lists and maps are
 * read by ctl-json-read.
 */

/* Converts @json to a value of @field and stores it at @value. FALSE: it does not fit, see the error of @reader. */
gboolean ctl_json_read_scalar (CtlJsonReader *reader,
                               const ProtobufCFieldDescriptor *field,
                               gpointer value,
                               const CtlJsonValue *json);
