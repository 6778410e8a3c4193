/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json.h"

#include "ctl-json-member.h"
#include "ctl-json-text.h"
#include "wire-guard.h"

#include <glib/gi18n.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* JSON and messages are nested. The recursion is bounded: it ends with an error at CTL_JSON_DEPTH_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

typedef struct
{
  gboolean report; /* it is a report of the tool, in which counters are numbers */
  guint depth;
  GError **error;
} JsonWriter;

/* 64-bit fields that name something. They are written as strings, also when the value is small. */
static const char *const identifiers[] = { "epoch", "incarnation" };

/* The type whose fields are data of a peer: they are written as those of a payload, also in a report. */
#define VALUE_TYPE "daemoneye.eventbus.v1.Value"

static JsonNode *json_write_message (JsonWriter *writer, const ProtobufCMessage *message);

static JsonNode *
json_write_text (const char *text)
{
  return json_node_init_string (json_node_alloc (), text);
}

static JsonNode *
json_write_int (gint64 value)
{
  return json_node_init_int (json_node_alloc (), value);
}

static JsonNode *
json_write_double (double value)
{
  char text[CTL_JSON_REAL_SIZE];

  if (isfinite (value))
    return json_node_init_double (json_node_alloc (), value);
  ctl_json_real_text (value, text);
  text[strlen (text) - 1] = '\0'; /* without its quotes */
  return json_write_text (text + 1);
}

/* Nine digits distinguish all floats. Finds the shortest text that stands for this float, and writes the double nearest to it. */
static JsonNode *
json_write_float (float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double shortest = (double) value;

  for (int n = fabsf (value) < FLT_MIN ? 1 : 6; isfinite (value) && n <= 9; n++)
    {
      const char format[] = { '%', '.', (char) ('0' + n), 'g', '\0' };

      shortest = g_ascii_strtod (g_ascii_formatd (text, sizeof text, format, (double) value), NULL);
      if ((float) shortest == value)
        break;
    }
  return json_write_double (shortest);
}

static JsonNode *
json_write_bytes (const ProtobufCBinaryData *value)
{
  g_autofree char *text = g_base64_encode (value->data, value->len);

  return json_write_text (text);
}

static JsonNode *
json_write_enum (const ProtobufCEnumDescriptor *type, int number)
{
  const ProtobufCEnumValue *value = ctl_json_enum_value (type, number);

  return value != NULL ? json_write_text (value->name) : json_write_int (number);
}

static JsonNode *
json_write_ulong_text (guint64 value)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value);
  return json_write_text (text);
}

static gboolean
json_write_is_counter (const JsonWriter *writer, const ProtobufCFieldDescriptor *field)
{
  for (guint i = 0; i < G_N_ELEMENTS (identifiers); i++)
    if (strcmp (identifiers[i], field->name) == 0)
      return FALSE;
  return writer->report;
}

static JsonNode *
json_write_long (const JsonWriter *writer, const ProtobufCFieldDescriptor *field, gint64 value)
{
  char text[24];

  if (json_write_is_counter (writer, field) && value >= -(gint64) CTL_JSON_EXACT_MAX
      && value <= (gint64) CTL_JSON_EXACT_MAX)
    return json_write_int (value);
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  return json_write_text (text);
}

static JsonNode *
json_write_counter (guint64 value)
{
  return value <= CTL_JSON_EXACT_MAX ? json_write_int ((gint64) value) : json_write_ulong_text (value);
}

static JsonNode *
json_write_ulong (const JsonWriter *writer, const ProtobufCFieldDescriptor *field, guint64 value)
{
  return json_write_is_counter (writer, field) ? json_write_counter (value) : json_write_ulong_text (value);
}

/* @value: address of the pointer. A NULL pointer (in a map entry) becomes an empty object. */
static JsonNode *
json_write_sub_message (JsonWriter *writer, gconstpointer value)
{
  const ProtobufCMessage *message = *(ProtobufCMessage *const *) value;
  g_autoptr (JsonObject) empty = NULL;

  if (message != NULL)
    return json_write_message (writer, message);
  empty = json_object_new ();
  return json_node_init_object (json_node_alloc (), empty);
}

static JsonNode *
json_write_value (JsonWriter *writer, const ProtobufCFieldDescriptor *field, gconstpointer value)
{
  const char *text;

  switch (field->type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return json_write_int (*(const gint32 *) value);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
      return json_write_int (*(const guint32 *) value);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return json_write_long (writer, field, *(const gint64 *) value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return json_write_ulong (writer, field, *(const guint64 *) value);
    case PROTOBUF_C_TYPE_FLOAT:
      return json_write_float (*(const float *) value);
    case PROTOBUF_C_TYPE_DOUBLE:
      return json_write_double (*(const double *) value);
    case PROTOBUF_C_TYPE_BOOL:
      return json_node_init_boolean (json_node_alloc (), *(const protobuf_c_boolean *) value != 0);
    case PROTOBUF_C_TYPE_ENUM:
      return json_write_enum (field->descriptor, *(const gint32 *) value);
    case PROTOBUF_C_TYPE_STRING:
      text = *(const char *const *) value;
      return json_write_text (text != NULL ? text : "");
    case PROTOBUF_C_TYPE_BYTES:
      return json_write_bytes (value);
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return json_write_sub_message (writer, value);
    }
}

static JsonNode *
json_write_list (JsonWriter *writer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  g_autoptr (JsonArray) list = json_array_new ();
  const guint8 *values = *(const guint8 *const *) ctl_json_member_const (message, field);
  gsize n = ctl_json_count (message, field), size = ctl_json_value_size (field->type);

  for (gsize i = 0; i < n; i++)
    {
      JsonNode *node = json_write_value (writer, field, values + i * size);

      if (node == NULL)
        return NULL;
      json_array_add_element (list, node);
    }
  return json_node_init_array (json_node_alloc (), list);
}

static char *
json_write_key (const ProtobufCFieldDescriptor *field, gconstpointer value)
{
  JsonWriter writer = { .report = FALSE };
  g_autoptr (JsonNode) node = json_write_value (&writer, field, value);

  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "true" : "false");
  return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
}

static JsonNode *
json_write_map (JsonWriter *writer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  g_autoptr (JsonObject) map = json_object_new ();
  const ProtobufCMessageDescriptor *entry = field->descriptor;
  ProtobufCMessage *const *entries = *(ProtobufCMessage *const *const *) ctl_json_member_const (message, field);
  gsize n = ctl_json_count (message, field);

  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *key = json_write_key (&entry->fields[0], ctl_json_member_const (entries[i], &entry->fields[0]));
      JsonNode *node
          = json_write_value (writer, &entry->fields[1], ctl_json_member_const (entries[i], &entry->fields[1]));

      if (node == NULL)
        return NULL;
      json_object_set_member (map, key, node); /* for a repeated key the last value counts */
    }
  return json_node_init_object (json_node_alloc (), map);
}

static JsonNode *
json_write_field (JsonWriter *writer, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  if (ctl_json_is_map (field))
    return json_write_map (writer, message, field);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return json_write_list (writer, message, field);
  return json_write_value (writer, field, ctl_json_member_const (message, field));
}

static gboolean
json_write_fields (JsonWriter *writer, JsonObject *object, const ProtobufCMessage *message)
{
  const ProtobufCMessageDescriptor *type = message->descriptor;

  for (guint i = 0; i < type->n_fields; i++)
    {
      JsonNode *node;

      if (!ctl_json_is_present (message, &type->fields[i]))
        continue;
      node = json_write_field (writer, message, &type->fields[i]);
      if (node == NULL)
        return FALSE;
      json_object_set_member (object, type->fields[i].name, node);
    }
  return TRUE;
}

/* Recurses into sub-messages, at most CTL_JSON_DEPTH_MAX deep. */
static JsonNode *
json_write_message (JsonWriter *writer, const ProtobufCMessage *message)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonWriter inner = *writer;

  inner.depth++;
  inner.report = writer->report && strcmp (message->descriptor->name, VALUE_TYPE) != 0;
  if (inner.depth > CTL_JSON_DEPTH_MAX)
    {
      g_set_error (writer->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("messages are nested more than %u levels deep"), CTL_JSON_DEPTH_MAX);
      return NULL;
    }
  return json_write_fields (&inner, object, message) ? json_node_init_object (json_node_alloc (), object) : NULL;
}

JsonNode *
ctl_json_from_payload (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error)
{
  g_autoptr (WireGuard) guard = NULL;
  WireGuardError problem;
  gsize len = 0;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  JsonWriter writer = { .error = error };

  /* The cap on fields is the number of bytes: each number of a packed field counts as one. */
  guard = wire_guard_unpack_lenient (type, wire_span (len > 0 ? bytes : "", len), (guint) CLAMP (len, 1, G_MAXUINT),
                                     &problem);
  if (guard == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("not a %s: %s, at byte %zu"), type->name,
                   problem.problem, problem.offset);
      return NULL;
    }
  return json_write_message (&writer, wire_guard_message (guard));
}

JsonNode *
ctl_json_from_message (const ProtobufCMessage *message, GError **error)
{
  JsonWriter writer = { .report = TRUE, .error = error };

  return json_write_message (&writer, message);
}

void
ctl_json_set_counter (JsonObject *object, const char *name, guint64 value)
{
  json_object_set_member (object, name, json_write_counter (value));
}

/* NOLINTEND(misc-no-recursion) */
