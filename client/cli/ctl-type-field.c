/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-field.h"

#include "ctl-type-default.h"
#include "ctl-type-limits.h"

#include <glib/gi18n.h>
#include <string.h>

#define FIELD_NUMBER_MAX ((1 << 29) - 1)

/* Every member and every quantifier begins at a multiple of this number, so the alignment of single types does not matter. */
#define PLACE sizeof (guint64)

static gboolean
field_refuse (const CtlTypeField *at, const char *problem)
{
  g_autofree char *shown = ctl_batch_quote (at->source->name);

  return ctl_batch_refuse (at->error, _ ("message %s: field %s: %s"), at->type->full_name, shown, problem);
}

static gboolean
field_read_identity (const CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;

  if (!ctl_batch_is_identifier (source->name) || strlen (source->name) > CTL_TYPES_NAME_MAX)
    return field_refuse (at, _ ("the name is not valid"));
  if (source->number < 1 || source->number > FIELD_NUMBER_MAX)
    return field_refuse (at, _ ("its number is out of range"));
  if (strlen (source->json_name) > CTL_TYPES_NAME_MAX)
    return field_refuse (at, _ ("its JSON name is too long"));
  field->name = ctl_pool_string (at->batch->pool, source->name);
  field->id = (guint32) source->number;
  field->reserved2 = *source->json_name != '\0' ? ctl_pool_string (at->batch->pool, source->json_name) : NULL;
  return TRUE;
}

/* Index: FieldDescriptorProto.Type of google/protobuf/descriptor.proto. -1: no type, or a group. */
static const gint8 types_by_number[] = {
  -1,
  PROTOBUF_C_TYPE_DOUBLE,
  PROTOBUF_C_TYPE_FLOAT,
  PROTOBUF_C_TYPE_INT64,
  PROTOBUF_C_TYPE_UINT64,
  PROTOBUF_C_TYPE_INT32,
  PROTOBUF_C_TYPE_FIXED64,
  PROTOBUF_C_TYPE_FIXED32,
  PROTOBUF_C_TYPE_BOOL,
  PROTOBUF_C_TYPE_STRING,
  -1, /* group */
  PROTOBUF_C_TYPE_MESSAGE,
  PROTOBUF_C_TYPE_BYTES,
  PROTOBUF_C_TYPE_UINT32,
  PROTOBUF_C_TYPE_ENUM,
  PROTOBUF_C_TYPE_SFIXED32,
  PROTOBUF_C_TYPE_SFIXED64,
  PROTOBUF_C_TYPE_SINT32,
  PROTOBUF_C_TYPE_SINT64,
};

static gboolean
field_read_type (const CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;
  const CtlType *target;

  if (source->type < 0 || source->type >= (int) G_N_ELEMENTS (types_by_number) || types_by_number[source->type] < 0)
    return field_refuse (at,
                         source->type == 10 ? _ ("protobuf groups are not supported") : _ ("unknown type of field"));
  field->type = (ProtobufCType) types_by_number[source->type];
  if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_ENUM)
    return *source->type_name == '\0' || field_refuse (at, _ ("a scalar field names a type"));
  target = *source->type_name == '.' ? ctl_batch_find (at->batch, source->type_name + 1) : NULL;
  if (target == NULL)
    {
      g_autofree char *shown = ctl_batch_quote (source->type_name);
      g_autofree char *problem = g_strdup_printf (_ ("its type %s is not defined"), shown);

      return field_refuse (at, problem);
    }
  if (target->is_enum != (field->type == PROTOBUF_C_TYPE_ENUM))
    return field_refuse (at, _ ("its type is of another kind"));
  field->descriptor = target->is_enum ? (const void *) &target->enumeration : (const void *) &target->message;
  return TRUE;
}

static gboolean
field_is_in_oneof (const FieldProto *source)
{
  return source->oneof_presence_case == DAEMONEYE__DESCRIPTOR__FIELD_DESCRIPTOR_PROTO__ONEOF_PRESENCE_ONEOF_INDEX
         && !source->proto3_optional; /* such a field has a synthetic oneof, for old readers only */
}

static gboolean
field_read_label (const CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;

  switch (source->label)
    {
    case 1:
      field->label = at->type->proto3 && !source->proto3_optional ? PROTOBUF_C_LABEL_NONE : PROTOBUF_C_LABEL_OPTIONAL;
      break;
    case 2:
      if (at->type->proto3)
        return field_refuse (at, _ ("proto3 does not support required fields"));
      field->label = PROTOBUF_C_LABEL_REQUIRED;
      break;
    case 3:
      field->label = PROTOBUF_C_LABEL_REPEATED;
      break;
    default:
      return field_refuse (at, _ ("neither optional nor required nor repeated"));
    }
  if (source->label != 1 && (field_is_in_oneof (source) || source->proto3_optional))
    return field_refuse (at, _ ("a member of a oneof must be optional"));
  if (field_is_in_oneof (source))
    {
      if (source->oneof_index < 0 || (gsize) source->oneof_index >= at->type->message_source->n_oneof_decl)
        return field_refuse (at, _ ("its oneof is not defined"));
      field->flags |= PROTOBUF_C_FIELD_FLAG_ONEOF;
    }
  return TRUE;
}

static gboolean
field_read_packed (const CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  const Daemoneye__Descriptor__FieldOptions *options = at->source->options;
  gboolean can = field->label == PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_STRING
                 && field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_MESSAGE;
  gboolean packed = can && at->type->proto3;

  if (options != NULL && options->packed_presence_case == DAEMONEYE__DESCRIPTOR__FIELD_OPTIONS__PACKED_PRESENCE_PACKED)
    packed = options->packed != 0;
  if (packed && !can)
    return field_refuse (at, _ ("it can't be packed"));
  field->flags |= packed ? PROTOBUF_C_FIELD_FLAG_PACKED : 0u;
  return TRUE;
}

static gboolean
field_read_default (const CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  const char *text = at->source->default_value;
  gboolean oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;

  if (field->type == PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_NONE && !oneof)
    field->default_value = protobuf_c_empty_string;
  if (*text == '\0')
    return TRUE;
  if (at->type->proto3 || field->label == PROTOBUF_C_LABEL_REPEATED)
    return field_refuse (at, _ ("it can't have a default"));
  field->default_value = ctl_type_default_value (at->batch->pool, field, text);
  if (field->default_value == NULL)
    return field_refuse (at, _ ("its default can't be read"));
  if (oneof) /* protobuf-c would write the default into the union, where another member may be */
    field->default_value = NULL;
  return TRUE;
}

guint
ctl_type_field_take_place (CtlTypeField *at, gsize size)
{
  guint offset = at->end;

  at->end += (guint) ((size + PLACE - 1) / PLACE * PLACE);
  return offset;
}

/* A member that is not repeated has the place of the largest type, bytes. */
static void
field_assign_place (CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  gboolean pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
  gsize size = sizeof (ProtobufCBinaryData);
  guint *oneof;

  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    {
      oneof = &at->oneofs[at->source->oneof_index];
      if (*oneof == 0)
        {
          *oneof = ctl_type_field_take_place (at, PLACE);
          ctl_type_field_take_place (at, sizeof (ProtobufCBinaryData));
        }
      field->quantifier_offset = *oneof;
      field->offset = *oneof + (guint) PLACE;
      return;
    }
  if (field->label == PROTOBUF_C_LABEL_REPEATED || (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer))
    field->quantifier_offset = ctl_type_field_take_place (at, PLACE);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    size = PLACE;
  field->offset = ctl_type_field_take_place (at, size);
}

gboolean
ctl_type_field_read (CtlTypeField *at, ProtobufCFieldDescriptor *field)
{
  if (!field_read_identity (at, field) || !field_read_type (at, field) || !field_read_label (at, field)
      || !field_read_packed (at, field) || !field_read_default (at, field))
    return FALSE;
  field_assign_place (at, field);
  return TRUE;
}
