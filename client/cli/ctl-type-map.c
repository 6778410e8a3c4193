/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-map.h"

#include <string.h>

/* reserved1 of a marked descriptor points to this. */
static char map_entry_mark;

static gboolean
map_entry_has_its_fields (const ProtobufCMessageDescriptor *type)
{
  for (guint i = 0; i < type->n_fields; i++)
    if (type->fields[i].label == PROTOBUF_C_LABEL_REPEATED || (type->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
      return FALSE;
  return type->n_fields == 2 && type->fields[0].id == 1 && strcmp (type->fields[0].name, "key") == 0
         && type->fields[1].id == 2 && strcmp (type->fields[1].name, "value") == 0
         && type->fields[0].type != PROTOBUF_C_TYPE_FLOAT && type->fields[0].type != PROTOBUF_C_TYPE_DOUBLE
         && type->fields[0].type != PROTOBUF_C_TYPE_ENUM && type->fields[0].type != PROTOBUF_C_TYPE_BYTES
         && type->fields[0].type != PROTOBUF_C_TYPE_MESSAGE;
}

gboolean
ctl_type_mark_map_entry (ProtobufCMessageDescriptor *type)
{
  if (!map_entry_has_its_fields (type))
    return FALSE;
  type->reserved1 = &map_entry_mark;
  return TRUE;
}

gboolean
ctl_type_is_map_entry (const ProtobufCMessageDescriptor *type)
{
  return type->reserved1 == &map_entry_mark;
}
