/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json.h"

#include "ctl-json-member.h"

#include "wire-guard.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

/* JSON and messages are nested. The recursion is bounded: it ends with an error at CTL_JSON_DEPTH_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

static JsonNode *json_write_message (const ProtobufCMessage *message, guint depth, GError **error);

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

/* @digits: how many distinguish every value of the type. */
static JsonNode *
json_write_real (double value, int digits)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (value))
    return json_write_text ("NaN");
  if (isinf (value))
    return json_write_text (value > 0 ? "Infinity" : "-Infinity");
  if (digits == 9) /* a float: write the shortest number that reads as the same float */
    for (int n = 6; n <= digits; n++)
      {
        const char format[] = { '%', '.', (char) ('0' + n), 'g', '\0' };

        g_ascii_formatd (text, sizeof text, format, value);
        if ((float) g_ascii_strtod (text, NULL) == (float) value)
          return json_node_init_double (json_node_alloc (), g_ascii_strtod (text, NULL));
      }
  return json_node_init_double (json_node_alloc (), value);
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
json_write_long (gint64 value)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  return json_write_text (text);
}

static JsonNode *
json_write_ulong (guint64 value)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, value);
  return json_write_text (text);
}

/* @value: address of the pointer. A NULL pointer (in a map entry) becomes an empty object. */
static JsonNode *
json_write_sub_message (gconstpointer value, guint depth, GError **error)
{
  const ProtobufCMessage *message = *(ProtobufCMessage *const *) value;
  g_autoptr (JsonObject) empty = NULL;

  if (message != NULL)
    return json_write_message (message, depth + 1, error);
  empty = json_object_new ();
  return json_node_init_object (json_node_alloc (), empty);
}

static JsonNode *
json_write_value (const ProtobufCFieldDescriptor *field, gconstpointer value, guint depth, GError **error)
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
      return json_write_long (*(const gint64 *) value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return json_write_ulong (*(const guint64 *) value);
    case PROTOBUF_C_TYPE_FLOAT:
      return json_write_real ((double) *(const float *) value, 9);
    case PROTOBUF_C_TYPE_DOUBLE:
      return json_write_real (*(const double *) value, 17);
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
      return json_write_sub_message (value, depth, error);
    }
}

static JsonNode *
json_write_list (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, guint depth, GError **error)
{
  g_autoptr (JsonArray) list = json_array_new ();
  const guint8 *values = *(const guint8 *const *) ctl_json_member_const (message, field);
  gsize n = ctl_json_count (message, field), size = ctl_json_value_size (field->type);

  for (gsize i = 0; i < n; i++)
    {
      JsonNode *node = json_write_value (field, values + i * size, depth, error);

      if (node == NULL)
        return NULL;
      json_array_add_element (list, node);
    }
  return json_node_init_array (json_node_alloc (), list);
}

static char *
json_write_key (const ProtobufCFieldDescriptor *field, gconstpointer value)
{
  g_autoptr (JsonNode) node = json_write_value (field, value, 0, NULL);

  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "true" : "false");
  return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
}

static JsonNode *
json_write_map (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, guint depth, GError **error)
{
  g_autoptr (JsonObject) map = json_object_new ();
  const ProtobufCMessageDescriptor *entry = field->descriptor;
  ProtobufCMessage *const *entries = *(ProtobufCMessage *const *const *) ctl_json_member_const (message, field);
  gsize n = ctl_json_count (message, field);

  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *key = json_write_key (&entry->fields[0], ctl_json_member_const (entries[i], &entry->fields[0]));
      JsonNode *node
          = json_write_value (&entry->fields[1], ctl_json_member_const (entries[i], &entry->fields[1]), depth, error);

      if (node == NULL)
        return NULL;
      json_object_set_member (map, key, node); /* for a repeated key the last value counts */
    }
  return json_node_init_object (json_node_alloc (), map);
}

static JsonNode *
json_write_field (const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, guint depth, GError **error)
{
  if (ctl_json_is_map (field))
    return json_write_map (message, field, depth, error);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return json_write_list (message, field, depth, error);
  return json_write_value (field, ctl_json_member_const (message, field), depth, error);
}

/* Recurses into sub-messages, at most CTL_JSON_DEPTH_MAX deep. */
static JsonNode *
json_write_message (const ProtobufCMessage *message, guint depth, GError **error)
{
  g_autoptr (JsonObject) object = json_object_new ();
  const ProtobufCMessageDescriptor *type = message->descriptor;

  if (depth > CTL_JSON_DEPTH_MAX)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("messages are nested more than %u levels deep"),
                   CTL_JSON_DEPTH_MAX);
      return NULL;
    }
  for (guint i = 0; i < type->n_fields; i++)
    {
      JsonNode *node;

      if (!ctl_json_is_present (message, &type->fields[i]))
        continue;
      node = json_write_field (message, &type->fields[i], depth, error);
      if (node == NULL)
        return NULL;
      json_object_set_member (object, type->fields[i].name, node);
    }
  return json_node_init_object (json_node_alloc (), object);
}

JsonNode *
ctl_json_from_payload (const ProtobufCMessageDescriptor *type, GBytes *payload, GError **error)
{
  g_autoptr (WireGuard) guard = NULL;
  WireGuardError problem;
  gsize len = 0;
  gconstpointer bytes = g_bytes_get_data (payload, &len);

  /* The cap on fields is the number of bytes: each number of a packed field counts as one. */
  guard = wire_guard_unpack_lenient (type, wire_span (len > 0 ? bytes : "", len), (guint) CLAMP (len, 1, G_MAXUINT),
                                     &problem);
  if (guard == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("not a %s: %s, at byte %zu"), type->name,
                   problem.problem, problem.offset);
      return NULL;
    }
  return json_write_message (wire_guard_message (guard), 1, error);
}

JsonNode *
ctl_json_from_message (const ProtobufCMessage *message, GError **error)
{
  return json_write_message (message, 1, error);
}

/* NOLINTEND(misc-no-recursion) */
