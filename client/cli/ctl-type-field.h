/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-batch.h"

/*
 * One field of a message: read from its FieldDescriptorProto into the descriptor that protobuf-c works with, and given its
 * place in the message.
 *
 * It checks a field for itself. That two fields of a message differ in number and name is checked by ctl-type-build.
 */

typedef struct
{
  CtlBatch *batch;
  const CtlType *type; /* the message that the field belongs to */
  const FieldProto *source;
  GError **error;
  guint end;     /* size of the message so far */
  guint *oneofs; /* by index: offset of the case; 0: no member was read yet */
} CtlTypeField;

/* Reads @at->source into @field. The enums of the batch must be built. */
gboolean ctl_type_field_read (CtlTypeField *at, ProtobufCFieldDescriptor *field);

/* Extends the message by @size bytes; returns their offset. */
guint ctl_type_field_take_place (CtlTypeField *at, gsize size);
