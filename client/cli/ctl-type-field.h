/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-type-batch.h"

/*
 * One field of a message: converts its FieldDescriptorProto to the descriptor that protobuf-c uses, and assigns its offset in
 * the message.
 *
 * It checks each field alone. ctl-type-build checks that the fields of a message have different numbers and names.
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
