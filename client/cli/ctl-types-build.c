/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-types-private.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_NUMBER_MAX ((1 << 29) - 1)

/* Every member and every quantifier has a place of its own of this alignment: no padding to think of. */
#define PLACE sizeof (guint64)

/* ProtobufCMessageDescriptor.reserved1 of a map entry points to it. */
static char map_entry_mark;

gboolean
ctl_types_is_map_entry (const ProtobufCMessageDescriptor *type)
{
  return type->reserved1 == &map_entry_mark;
}

/* --- enums --- */

static int
compare_values (const void *a, const void *b)
{
  const ProtobufCEnumValue *left = a, *right = b;

  return left->value < right->value ? -1 : left->value > right->value;
}

static int
compare_value_names (const void *a, const void *b)
{
  return strcmp (((const ProtobufCEnumValueIndex *) a)->name, ((const ProtobufCEnumValueIndex *) b)->name);
}

/* One per run of numbers, and one behind the last that has only the total, as protoc-c makes them. */
typedef struct
{
  ProtobufCIntRange *ranges;
  guint n;
  gint64 next;
} Ranges;

static void
ranges_add (Ranges *ranges, int number, guint place)
{
  if (ranges->n == 0 || number != ranges->next)
    ranges->ranges[ranges->n++] = (ProtobufCIntRange){ number, place };
  ranges->next = (gint64) number + 1;
}

/* Distinct numbers, the first name of each, sorted. */
static guint
sort_values (ProtobufCEnumValue *values, GHashTable *first, const EnumProto *source, CtlPool *pool)
{
  guint n = 0;

  for (gsize i = 0; i < source->n_value; i++)
    {
      const EnumValueProto *value = source->value[i];
      const char *name;

      if (!g_hash_table_add (first, GINT_TO_POINTER (value->number)))
        continue;
      name = ctl_pool_string (pool, value->name);
      values[n++] = (ProtobufCEnumValue){ name, name, value->number };
    }
  qsort (values, n, sizeof *values, compare_values);
  return n;
}

/* All names, sorted. */
static void
index_values (ProtobufCEnumValueIndex *names,
              const EnumProto *source,
              const ProtobufCEnumDescriptor *type,
              CtlPool *pool)
{
  for (gsize i = 0; i < source->n_value; i++)
    {
      ProtobufCEnumValue key = { NULL, NULL, source->value[i]->number };
      const ProtobufCEnumValue *value = bsearch (&key, type->values, type->n_values, sizeof key, compare_values);

      names[i].name = ctl_pool_string (pool, source->value[i]->name);
      names[i].index = (guint) (value - type->values);
    }
  qsort (names, source->n_value, sizeof *names, compare_value_names);
}

static gboolean
check_values (const CtlType *type, GError **error)
{
  const EnumProto *source = type->enum_source;

  if (source->n_value == 0)
    return ctl_types_refuse (error, _ ("enum %s has no values"), type->full_name);
  for (gsize i = 0; i < source->n_value; i++)
    if (!ctl_types_is_identifier (source->value[i]->name) || strlen (source->value[i]->name) > CTL_TYPES_NAME_MAX)
      {
        g_autofree char *shown = ctl_types_quote (source->value[i]->name);

        return ctl_types_refuse (error, _ ("enum %s: %s can't be the name of a value"), type->full_name, shown);
      }
  return TRUE;
}

gboolean
ctl_types_build_enum (CtlBatch *batch, CtlType *type, GError **error)
{
  g_autoptr (GHashTable) first = g_hash_table_new (NULL, NULL);
  const EnumProto *source = type->enum_source;
  ProtobufCEnumDescriptor *result = &type->enumeration;
  ProtobufCEnumValue *values;
  ProtobufCEnumValueIndex *names;
  Ranges ranges = { 0 };

  if (!check_values (type, error))
    return FALSE;
  result->magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC;
  result->name = result->c_name = type->full_name;
  result->values = values = ctl_pool_alloc (batch->pool, source->n_value, sizeof *values);
  result->n_values = sort_values (values, first, source, batch->pool);
  result->n_value_names = (guint) source->n_value;
  result->values_by_name = names = ctl_pool_alloc (batch->pool, source->n_value, sizeof *names);
  index_values (names, source, result, batch->pool);
  for (guint i = 1; i < result->n_value_names; i++)
    if (strcmp (names[i - 1].name, names[i].name) == 0)
      return ctl_types_refuse (error, _ ("enum %s: value %s is there twice"), type->full_name, names[i].name);
  ranges.ranges = ctl_pool_alloc (batch->pool, (gsize) result->n_values + 1, sizeof *ranges.ranges);
  for (guint i = 0; i < result->n_values; i++)
    ranges_add (&ranges, values[i].value, i);
  ranges.ranges[ranges.n] = (ProtobufCIntRange){ 0, result->n_values };
  result->n_value_ranges = ranges.n;
  result->value_ranges = ranges.ranges;
  return TRUE;
}

/* --- one field --- */

typedef struct
{
  CtlBatch *batch;
  const CtlType *type;
  const FieldProto *source;
  GError **error;
  guint end;     /* of the message so far */
  guint *oneofs; /* by index: offset of the case; 0: no member was seen yet */
} Field;

static gboolean
bad_field (const Field *at, const char *problem)
{
  g_autofree char *shown = ctl_types_quote (at->source->name);

  return ctl_types_refuse (at->error, _ ("message %s: field %s: %s"), at->type->full_name, shown, problem);
}

static gboolean
read_identity (const Field *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;

  if (!ctl_types_is_identifier (source->name) || strlen (source->name) > CTL_TYPES_NAME_MAX)
    return bad_field (at, _ ("that can't be a name"));
  if (source->number < 1 || source->number > FIELD_NUMBER_MAX)
    return bad_field (at, _ ("its number is out of range"));
  if (strlen (source->json_name) > CTL_TYPES_NAME_MAX)
    return bad_field (at, _ ("its JSON name is too long"));
  field->name = ctl_pool_string (at->batch->pool, source->name);
  field->id = (guint32) source->number;
  field->reserved2 = *source->json_name != '\0' ? ctl_pool_string (at->batch->pool, source->json_name) : NULL;
  return TRUE;
}

/* After Field.Type of google/protobuf/descriptor.proto; -1: none, or groups. */
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
read_type (const Field *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;
  const CtlType *target;

  if (source->type < 0 || source->type >= (int) G_N_ELEMENTS (types_by_number) || types_by_number[source->type] < 0)
    return bad_field (at, source->type == 10 ? _ ("protobuf groups are not supported") : _ ("unknown type of field"));
  field->type = (ProtobufCType) types_by_number[source->type];
  if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_ENUM)
    return *source->type_name == '\0' || bad_field (at, _ ("a scalar with the name of a type"));
  target = *source->type_name == '.' ? ctl_batch_find (at->batch, source->type_name + 1) : NULL;
  if (target == NULL)
    {
      g_autofree char *shown = ctl_types_quote (source->type_name);
      g_autofree char *problem = g_strdup_printf (_ ("its type %s is not there"), shown);

      return bad_field (at, problem);
    }
  if (target->is_enum != (field->type == PROTOBUF_C_TYPE_ENUM))
    return bad_field (at, _ ("its type is of another kind"));
  field->descriptor = target->is_enum ? (const void *) &target->enumeration : (const void *) &target->message;
  return TRUE;
}

static gboolean
in_oneof (const FieldProto *source)
{
  return source->oneof_presence_case == DAEMONEYE__DESCRIPTOR__FIELD_DESCRIPTOR_PROTO__ONEOF_PRESENCE_ONEOF_INDEX
         && !source->proto3_optional; /* those have a oneof of their own, only for old readers */
}

static gboolean
read_label (const Field *at, ProtobufCFieldDescriptor *field)
{
  const FieldProto *source = at->source;

  switch (source->label)
    {
    case 1:
      field->label = at->type->proto3 && !source->proto3_optional ? PROTOBUF_C_LABEL_NONE : PROTOBUF_C_LABEL_OPTIONAL;
      break;
    case 2:
      if (at->type->proto3)
        return bad_field (at, _ ("required, but proto3 does not have that"));
      field->label = PROTOBUF_C_LABEL_REQUIRED;
      break;
    case 3:
      field->label = PROTOBUF_C_LABEL_REPEATED;
      break;
    default:
      return bad_field (at, _ ("neither optional nor required nor repeated"));
    }
  if (source->label != 1 && (in_oneof (source) || source->proto3_optional))
    return bad_field (at, _ ("a member of a oneof must be optional"));
  if (in_oneof (source))
    {
      if (source->oneof_index < 0 || (gsize) source->oneof_index >= at->type->message_source->n_oneof_decl)
        return bad_field (at, _ ("its oneof is not there"));
      field->flags |= PROTOBUF_C_FIELD_FLAG_ONEOF;
    }
  return TRUE;
}

static gboolean
read_packed (const Field *at, ProtobufCFieldDescriptor *field)
{
  const Daemoneye__Descriptor__FieldOptions *options = at->source->options;
  gboolean can = field->label == PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_STRING
                 && field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_MESSAGE;
  gboolean packed = can && at->type->proto3;

  if (options != NULL && options->packed_presence_case == DAEMONEYE__DESCRIPTOR__FIELD_OPTIONS__PACKED_PRESENCE_PACKED)
    packed = options->packed != 0;
  if (packed && !can)
    return bad_field (at, _ ("it can't be packed"));
  field->flags |= packed ? PROTOBUF_C_FIELD_FLAG_PACKED : 0u;
  return TRUE;
}

static gboolean
read_default (const Field *at, ProtobufCFieldDescriptor *field)
{
  const char *text = at->source->default_value;
  gboolean oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;

  if (field->type == PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_NONE && !oneof)
    field->default_value = protobuf_c_empty_string;
  if (*text == '\0')
    return TRUE;
  if (at->type->proto3 || field->label == PROTOBUF_C_LABEL_REPEATED)
    return bad_field (at, _ ("it can't have a default"));
  field->default_value = ctl_types_default_value (at->batch->pool, field, text);
  if (field->default_value == NULL)
    return bad_field (at, _ ("its default can't be read"));
  if (oneof) /* the generic init would write it into the union, where another member may be */
    field->default_value = NULL;
  return TRUE;
}

static guint
take_place (Field *at, guint size)
{
  guint offset = at->end;

  at->end += (guint) ((size + PLACE - 1) / PLACE * PLACE);
  return offset;
}

/* The largest member is that of bytes. */
static void
place_field (Field *at, ProtobufCFieldDescriptor *field)
{
  gboolean pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
  guint *oneof;

  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    {
      oneof = &at->oneofs[at->source->oneof_index];
      if (*oneof == 0)
        {
          *oneof = take_place (at, PLACE);
          take_place (at, sizeof (ProtobufCBinaryData));
        }
      field->quantifier_offset = *oneof;
      field->offset = *oneof + (guint) PLACE;
      return;
    }
  if (field->label == PROTOBUF_C_LABEL_REPEATED || (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer))
    field->quantifier_offset = take_place (at, PLACE);
  field->offset = take_place (at, field->label == PROTOBUF_C_LABEL_REPEATED ? PLACE : sizeof (ProtobufCBinaryData));
}

/* --- messages --- */

static int
compare_numbers (const void *a, const void *b)
{
  const ProtobufCFieldDescriptor *left = a, *right = b;

  return left->id < right->id ? -1 : left->id > right->id;
}

static int
compare_field_names (gconstpointer a, gconstpointer b, gpointer data)
{
  const ProtobufCFieldDescriptor *fields = data;

  return strcmp (fields[*(const guint *) a].name, fields[*(const guint *) b].name);
}

static gboolean
build_fields (CtlBatch *batch, CtlType *type, ProtobufCFieldDescriptor *fields, GError **error)
{
  const MessageProto *source = type->message_source;
  g_autofree guint *oneofs = g_new0 (guint, source->n_oneof_decl + 1);
  Field at = { .batch = batch, .type = type, .error = error, .oneofs = oneofs };

  take_place (&at, sizeof (ProtobufCMessage));
  for (gsize i = 0; i < source->n_field; i++)
    {
      at.source = source->field[i];
      if (!read_identity (&at, &fields[i]) || !read_type (&at, &fields[i]) || !read_label (&at, &fields[i])
          || !read_packed (&at, &fields[i]) || !read_default (&at, &fields[i]))
        return FALSE;
      place_field (&at, &fields[i]);
    }
  type->message.sizeof_message = at.end;
  return TRUE;
}

/* Sorted by number, and by name. */
static gboolean
index_fields (CtlBatch *batch, CtlType *type, ProtobufCFieldDescriptor *fields, guint n, GError **error)
{
  Ranges ranges = { .ranges = ctl_pool_alloc (batch->pool, (gsize) n + 1, sizeof *ranges.ranges) };
  guint *by_name = ctl_pool_alloc (batch->pool, n, sizeof *by_name);

  qsort (fields, n, sizeof *fields, compare_numbers);
  for (guint i = 0; i < n; i++)
    {
      if (i > 0 && fields[i].id == fields[i - 1].id)
        return ctl_types_refuse (error, _ ("message %s: two fields of number %u"), type->full_name, fields[i].id);
      by_name[i] = i;
      ranges_add (&ranges, (int) fields[i].id, i);
    }
  g_qsort_with_data (by_name, (int) n, sizeof *by_name, compare_field_names, fields);
  for (guint i = 1; i < n; i++)
    if (strcmp (fields[by_name[i - 1]].name, fields[by_name[i]].name) == 0)
      return ctl_types_refuse (error, _ ("message %s: two fields of name %s"), type->full_name,
                               fields[by_name[i]].name);
  ranges.ranges[ranges.n] = (ProtobufCIntRange){ 0, n };
  type->message.fields_sorted_by_name = by_name;
  type->message.n_field_ranges = ranges.n;
  type->message.field_ranges = ranges.ranges;
  return TRUE;
}

static gboolean
is_map_entry (const ProtobufCMessageDescriptor *type)
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
ctl_types_build_message (CtlBatch *batch, CtlType *type, GError **error)
{
  const MessageProto *source = type->message_source;
  ProtobufCMessageDescriptor *result = &type->message;
  ProtobufCFieldDescriptor *fields = ctl_pool_alloc (batch->pool, source->n_field, sizeof *fields);

  result->magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC;
  result->name = result->c_name = type->full_name;
  if (source->options != NULL && source->options->message_set_wire_format)
    return ctl_types_refuse (error, _ ("message %s: message sets are not supported"), type->full_name);
  if (!build_fields (batch, type, fields, error))
    return FALSE;
  result->n_fields = (guint) source->n_field;
  result->fields = fields;
  if (source->n_field > 0 && !index_fields (batch, type, fields, result->n_fields, error))
    return FALSE;
  if (source->options != NULL && source->options->map_entry)
    {
      if (!is_map_entry (result))
        return ctl_types_refuse (error, _ ("message %s: not an entry of a map"), type->full_name);
      result->reserved1 = &map_entry_mark;
    }
  return TRUE;
}
