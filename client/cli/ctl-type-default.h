/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-pool.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Default values of proto2 fields: converts the text in a FieldDescriptorProto to the value that
 * ProtobufCFieldDescriptor.default_value points to.
 */

/* Returns the value, allocated in @pool. NULL: @text is not a value of the field's type. */
const void *ctl_type_default_value (CtlPool *pool, const ProtobufCFieldDescriptor *field, const char *text);
