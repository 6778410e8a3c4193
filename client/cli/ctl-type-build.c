/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-build.h"

#include "ctl-type-field.h"
#include "ctl-type-limits.h"
#include "ctl-type-map.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

/* --- enums --- */

static int
build_compare_values (const void *a, const void *b)
{
  const ProtobufCEnumValue *left = a, *right = b;

  return left->value < right->value ? -1 : left->value > right->value;
}

static int
build_compare_value_names (const void *a, const void *b)
{
  return strcmp (((const ProtobufCEnumValueIndex *) a)->name, ((const ProtobufCEnumValueIndex *) b)->name);
}

/* Makes one range for each run of consecutive numbers. A range with the total follows the last one, as in the tables of
 * protoc-c. */
typedef struct
{
  ProtobufCIntRange *ranges;
  guint n;
  gint64 next;
} NumberRanges;

static void
number_ranges_add (NumberRanges *ranges, int number, guint place)
{
  if (ranges->n == 0 || number != ranges->next)
    ranges->ranges[ranges->n++] = (ProtobufCIntRange){ number, place };
  ranges->next = (gint64) number + 1;
}

/* Collects the distinct numbers with the first name of each, sorted by number. */
static guint
build_sort_values (ProtobufCEnumValue *values, GHashTable *first, const EnumProto *source, CtlPool *pool)
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
  qsort (values, n, sizeof *values, build_compare_values);
  return n;
}

/* Collects all names, sorted. */
static void
build_index_values (ProtobufCEnumValueIndex *names,
                    const EnumProto *source,
                    const ProtobufCEnumDescriptor *type,
                    CtlPool *pool)
{
  for (gsize i = 0; i < source->n_value; i++)
    {
      ProtobufCEnumValue key = { NULL, NULL, source->value[i]->number };
      const ProtobufCEnumValue *value = bsearch (&key, type->values, type->n_values, sizeof key, build_compare_values);

      names[i].name = ctl_pool_string (pool, source->value[i]->name);
      names[i].index = (guint) (value - type->values);
    }
  qsort (names, source->n_value, sizeof *names, build_compare_value_names);
}

static gboolean
build_check_values (const CtlType *type, GError **error)
{
  const EnumProto *source = type->enum_source;

  if (source->n_value == 0)
    return ctl_batch_refuse (error, _ ("enum %s has no values"), type->full_name);
  for (gsize i = 0; i < source->n_value; i++)
    if (!ctl_batch_is_identifier (source->value[i]->name) || strlen (source->value[i]->name) > CTL_TYPES_NAME_MAX)
      {
        g_autofree char *shown = ctl_batch_quote (source->value[i]->name);

        return ctl_batch_refuse (error, _ ("enum %s: %s is not a valid name of a value"), type->full_name, shown);
      }
  return TRUE;
}

gboolean
ctl_type_build_enum (CtlBatch *batch, CtlType *type, GError **error)
{
  g_autoptr (GHashTable) first = g_hash_table_new (NULL, NULL);
  const EnumProto *source = type->enum_source;
  ProtobufCEnumDescriptor *result = &type->enumeration;
  ProtobufCEnumValue *values;
  ProtobufCEnumValueIndex *names;
  NumberRanges ranges = { 0 };

  if (!build_check_values (type, error))
    return FALSE;
  result->magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC;
  result->name = result->c_name = type->full_name;
  result->values = values = ctl_pool_alloc (batch->pool, source->n_value, sizeof *values);
  result->n_values = build_sort_values (values, first, source, batch->pool);
  result->n_value_names = (guint) source->n_value;
  result->values_by_name = names = ctl_pool_alloc (batch->pool, source->n_value, sizeof *names);
  build_index_values (names, source, result, batch->pool);
  for (guint i = 1; i < result->n_value_names; i++)
    if (strcmp (names[i - 1].name, names[i].name) == 0)
      return ctl_batch_refuse (error, _ ("enum %s: value %s is defined twice"), type->full_name, names[i].name);
  ranges.ranges = ctl_pool_alloc (batch->pool, (gsize) result->n_values + 1, sizeof *ranges.ranges);
  for (guint i = 0; i < result->n_values; i++)
    number_ranges_add (&ranges, values[i].value, i);
  ranges.ranges[ranges.n] = (ProtobufCIntRange){ 0, result->n_values };
  result->n_value_ranges = ranges.n;
  result->value_ranges = ranges.ranges;
  return TRUE;
}

/* --- messages --- */

static int
build_compare_numbers (const void *a, const void *b)
{
  const ProtobufCFieldDescriptor *left = a, *right = b;

  return left->id < right->id ? -1 : left->id > right->id;
}

static int
build_compare_field_names (gconstpointer a, gconstpointer b, gpointer data)
{
  const ProtobufCFieldDescriptor *fields = data;

  return strcmp (fields[*(const guint *) a].name, fields[*(const guint *) b].name);
}

static gboolean
build_fields (CtlBatch *batch, CtlType *type, ProtobufCFieldDescriptor *fields, GError **error)
{
  const MessageProto *source = type->message_source;
  g_autofree guint *oneofs = g_new0 (guint, source->n_oneof_decl + 1);
  CtlTypeField at = { .batch = batch, .type = type, .error = error, .oneofs = oneofs };

  ctl_type_field_take_place (&at, sizeof (ProtobufCMessage));
  for (gsize i = 0; i < source->n_field; i++)
    {
      at.source = source->field[i];
      if (!ctl_type_field_read (&at, &fields[i]))
        return FALSE;
    }
  type->message.sizeof_message = at.end;
  return TRUE;
}

/* Sorts the fields by number and makes the index by name. */
static gboolean
build_index_fields (CtlBatch *batch, CtlType *type, ProtobufCFieldDescriptor *fields, guint n, GError **error)
{
  NumberRanges ranges = { .ranges = ctl_pool_alloc (batch->pool, (gsize) n + 1, sizeof *ranges.ranges) };
  guint *by_name = ctl_pool_alloc (batch->pool, n, sizeof *by_name);

  qsort (fields, n, sizeof *fields, build_compare_numbers);
  for (guint i = 0; i < n; i++)
    {
      if (i > 0 && fields[i].id == fields[i - 1].id)
        return ctl_batch_refuse (error, _ ("message %s: two fields of number %u"), type->full_name, fields[i].id);
      by_name[i] = i;
      number_ranges_add (&ranges, (int) fields[i].id, i);
    }
  g_qsort_with_data (by_name, (int) n, sizeof *by_name, build_compare_field_names, fields);
  for (guint i = 1; i < n; i++)
    if (strcmp (fields[by_name[i - 1]].name, fields[by_name[i]].name) == 0)
      return ctl_batch_refuse (error, _ ("message %s: two fields of name %s"), type->full_name,
                               fields[by_name[i]].name);
  ranges.ranges[ranges.n] = (ProtobufCIntRange){ 0, n };
  type->message.fields_sorted_by_name = by_name;
  type->message.n_field_ranges = ranges.n;
  type->message.field_ranges = ranges.ranges;
  return TRUE;
}

gboolean
ctl_type_build_message (CtlBatch *batch, CtlType *type, GError **error)
{
  const MessageProto *source = type->message_source;
  ProtobufCMessageDescriptor *result = &type->message;
  ProtobufCFieldDescriptor *fields = ctl_pool_alloc (batch->pool, source->n_field, sizeof *fields);

  result->magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC;
  result->name = result->c_name = type->full_name;
  if (source->options != NULL && source->options->message_set_wire_format)
    return ctl_batch_refuse (error, _ ("message %s: message sets are not supported"), type->full_name);
  if (!build_fields (batch, type, fields, error))
    return FALSE;
  result->n_fields = (guint) source->n_field;
  result->fields = fields;
  if (source->n_field > 0 && !build_index_fields (batch, type, fields, result->n_fields, error))
    return FALSE;
  if (source->options != NULL && source->options->map_entry && !ctl_type_mark_map_entry (result))
    return ctl_batch_refuse (error, _ ("message %s: not an entry of a map"), type->full_name);
  return TRUE;
}
