/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-member.h"

#include "ctl-type-map.h"

#include <string.h>

gsize
ctl_json_value_size (ProtobufCType type)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
      return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
      return 8;
    case PROTOBUF_C_TYPE_BOOL:
      return sizeof (protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
      return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return sizeof (gpointer);
    }
}

gpointer
ctl_json_member (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return (guint8 *) message + field->offset;
}

gconstpointer
ctl_json_member_const (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return (const guint8 *) message + field->offset;
}

static guint32
member_oneof_case (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return *(const guint32 *) (gconstpointer) ((const guint8 *) message + field->quantifier_offset);
}

static gpointer
member_quantifier (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return (guint8 *) message + field->quantifier_offset;
}

gboolean
ctl_json_is_present (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  gconstpointer member = ctl_json_member_const (message, field);
  gconstpointer pointer = NULL;

  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    return member_oneof_case (message, field) == field->id;
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return TRUE;
  if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
    memcpy (&pointer, member, sizeof pointer);
  if (field->type == PROTOBUF_C_TYPE_MESSAGE)
    return pointer != NULL;
  if (field->label != PROTOBUF_C_LABEL_OPTIONAL)
    return TRUE;
  if (field->type == PROTOBUF_C_TYPE_STRING)
    return pointer != NULL && pointer != field->default_value;
  return *(const protobuf_c_boolean *) (gconstpointer) ((const guint8 *) message + field->quantifier_offset) != 0;
}

gboolean
ctl_json_oneof_is_free (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 || member_oneof_case (message, field) == 0;
}

void
ctl_json_set_present (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    *(guint32 *) member_quantifier (message, field) = field->id;
  else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_MESSAGE
           && field->type != PROTOBUF_C_TYPE_STRING)
    *(protobuf_c_boolean *) member_quantifier (message, field) = TRUE;
}

gsize
ctl_json_count (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  return *(const gsize *) (gconstpointer) ((const guint8 *) message + field->quantifier_offset);
}

void
ctl_json_set_count (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, gsize n)
{
  *(gsize *) member_quantifier (message, field) = n;
}

gboolean
ctl_json_is_map (const ProtobufCFieldDescriptor *field)
{
  return field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE
         && ctl_type_is_map_entry (field->descriptor);
}

const ProtobufCEnumValue *
ctl_json_enum_value (const ProtobufCEnumDescriptor *type, int number)
{
  for (guint i = 0; i < type->n_values; i++)
    if (type->values[i].value == number)
      return &type->values[i];
  return NULL;
}

/* Does what protobuf-c's generic init does, which is not exported. Members of oneofs have no default. */
static void
member_init_message (ProtobufCMessage *message, const ProtobufCMessageDescriptor *type)
{
  message->descriptor = type;
  for (guint i = 0; i < type->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &type->fields[i];
      gconstpointer value = field->default_value;

      if (value == NULL || field->label == PROTOBUF_C_LABEL_REPEATED)
        continue;
      if (field->type == PROTOBUF_C_TYPE_STRING)
        memcpy (ctl_json_member (message, field), &value, sizeof value);
      else
        memcpy (ctl_json_member (message, field), value, ctl_json_value_size (field->type));
    }
}

ProtobufCMessage *
ctl_json_message_new (const ProtobufCMessageDescriptor *type)
{
  ProtobufCMessage *message = g_malloc0 (type->sizeof_message);

  if (type->message_init != NULL)
    type->message_init (message);
  else
    member_init_message (message, type);
  return message;
}

void
ctl_json_message_free (ProtobufCMessage *message)
{
  protobuf_c_message_free_unpacked (message, NULL); /* protobuf-c frees with free(), which is what g_free() calls */
}
