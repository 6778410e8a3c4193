/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json.h"

#include "ctl-json-member.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* JSON and messages are nested. The recursion is bounded: it ends with an error at CTL_JSON_DEPTH_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

#define SHOWN_MAX 60 /* bytes of a value in an error */
#define NAMES_MAX 40 /* names of fields or values in an error */

/* A payload while it is made from JSON. */
typedef struct
{
  GString *path; /* of the value that is read */
  guint depth;
  GError **error;
} PayloadReader;

static gboolean json_read_message (PayloadReader *reader, ProtobufCMessage *message, JsonNode *node);

/* --- errors --- */

static gboolean
json_read_fail (PayloadReader *reader, const char *problem)
{
  g_set_error (reader->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s%s%s", reader->path->str,
               reader->path->len > 0 ? ": " : "", problem);
  return FALSE;
}

static char *
json_read_show_node (JsonNode *node)
{
  g_autofree char *text = NULL;
  const char *end;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("null");
  if (JSON_NODE_HOLDS_OBJECT (node))
    return g_strdup (_ ("an object"));
  if (JSON_NODE_HOLDS_ARRAY (node))
    return g_strdup (_ ("a list"));
  text = json_to_string (node, FALSE);
  if (strlen (text) <= SHOWN_MAX)
    return g_steal_pointer (&text);
  end = g_utf8_find_prev_char (text, text + SHOWN_MAX);
  return g_strdup_printf ("%.*s...", end != NULL ? (int) (end - text) : 0, text);
}

static gboolean
json_read_expected (PayloadReader *reader, const char *what, JsonNode *node)
{
  g_autofree char *value = json_read_show_node (node);
  g_autofree char *problem = g_strdup_printf (_ ("expected %s, not %s"), what, value);

  return json_read_fail (reader, problem);
}

static void
json_read_add_name (GString *names, guint place, const char *name)
{
  if (place == NAMES_MAX)
    g_string_append (names, ", ...");
  if (place < NAMES_MAX)
    g_string_append_printf (names, "%s%s", place > 0 ? ", " : "", name);
}

static gboolean
json_read_unknown_field (PayloadReader *reader, const ProtobufCMessageDescriptor *type)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *problem = NULL;

  for (guint i = 0; i < type->n_fields; i++)
    json_read_add_name (names, i, type->fields[i].name);
  if (type->n_fields == 0)
    problem = g_strdup_printf (_ ("no such field; %s has no fields"), type->name);
  else
    problem = g_strdup_printf (_ ("no such field; %s has %s"), type->name, names->str);
  return json_read_fail (reader, problem);
}

/* --- scalars --- */

static gboolean
json_read_number_to_signed (JsonNode *node, gint64 min, gint64 max, gint64 *value)
{
  double real;

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      *value = json_node_get_int (node);
      break;
    case G_TYPE_DOUBLE:
      real = json_node_get_double (node);
      if (!(real >= -0x1p63 && real < 0x1p63) || (double) (gint64) real != real)
        return FALSE;
      *value = (gint64) real;
      break;
    case G_TYPE_STRING:
      return g_ascii_string_to_signed (json_node_get_string (node), 10, min, max, value, NULL);
    default:
      return FALSE;
    }
  return *value >= min && *value <= max;
}

static gboolean
json_read_number_to_unsigned (JsonNode *node, guint64 max, guint64 *value)
{
  double real;

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      if (json_node_get_int (node) < 0)
        return FALSE;
      *value = (guint64) json_node_get_int (node);
      break;
    case G_TYPE_DOUBLE:
      real = json_node_get_double (node);
      if (!(real >= 0 && real < 0x1p64) || (double) (guint64) real != real)
        return FALSE;
      *value = (guint64) real;
      break;
    case G_TYPE_STRING:
      return g_ascii_string_to_unsigned (json_node_get_string (node), 10, 0, max, value, NULL);
    default:
      return FALSE;
    }
  return *value <= max;
}

static gboolean
json_read_signed (PayloadReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  gint64 min = wide ? G_MININT64 : G_MININT32, max = wide ? G_MAXINT64 : G_MAXINT32, number = 0;
  g_autofree char *what = NULL;

  if (!json_read_number_to_signed (node, min, max, &number))
    {
      what = g_strdup_printf (_ ("a number from %" PRId64 " to %" PRId64), min, max);
      return json_read_expected (reader, what, node);
    }
  if (wide)
    *(gint64 *) value = number;
  else
    *(gint32 *) value = (gint32) number;
  return TRUE;
}

static gboolean
json_read_unsigned (PayloadReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  guint64 max = wide ? G_MAXUINT64 : G_MAXUINT32, number = 0;
  g_autofree char *what = NULL;

  if (!json_read_number_to_unsigned (node, max, &number))
    {
      what = g_strdup_printf (_ ("a number from 0 to %" PRIu64), max);
      return json_read_expected (reader, what, node);
    }
  if (wide)
    *(guint64 *) value = number;
  else
    *(guint32 *) value = (guint32) number;
  return TRUE;
}

/* "NaN", "Infinity", "-Infinity", or a finite decimal number. Other forms that strtod() reads are refused. */
static gboolean
json_read_text_to_real (const char *text, double *value)
{
  char *end;

  if (strcmp (text, "NaN") == 0)
    *value = (double) NAN;
  else if (strcmp (text, "Infinity") == 0)
    *value = (double) INFINITY;
  else if (strcmp (text, "-Infinity") == 0)
    *value = -(double) INFINITY;
  else
    {
      *value = g_ascii_strtod (text, &end);
      return *text != '\0' && *end == '\0' && isfinite (*value) && text[strspn (text, "0123456789+-.eE")] == '\0';
    }
  return TRUE;
}

static gboolean
json_read_node_to_real (JsonNode *node, double *value)
{
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      *value = (double) json_node_get_int (node);
      return TRUE;
    case G_TYPE_DOUBLE:
      *value = json_node_get_double (node);
      return TRUE;
    case G_TYPE_STRING:
      return json_read_text_to_real (json_node_get_string (node), value);
    default:
      return FALSE;
    }
}

static gboolean
json_read_real (PayloadReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  double number = 0;

  if (!json_read_node_to_real (node, &number))
    return json_read_expected (reader, _ ("a number, \"NaN\", \"Infinity\" or \"-Infinity\""), node);
  if (wide)
    *(double *) value = number;
  else if (isfinite (number) && fabs (number) > (double) G_MAXFLOAT)
    return json_read_expected (reader, _ ("a number that fits 32 bits"), node);
  else
    *(float *) value = (float) number;
  return TRUE;
}

static gboolean
json_read_bool (PayloadReader *reader, protobuf_c_boolean *value, JsonNode *node)
{
  if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return json_read_expected (reader, _ ("true or false"), node);
  *value = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
json_read_enum (PayloadReader *reader, const ProtobufCEnumDescriptor *type, gint32 *value, JsonNode *node)
{
  g_autoptr (GString) what = NULL;
  const ProtobufCEnumValue *found = NULL;
  gint64 number = 0;

  if (json_node_get_value_type (node) == G_TYPE_STRING)
    found = protobuf_c_enum_descriptor_get_value_by_name (type, json_node_get_string (node));
  else if (json_read_number_to_signed (node, G_MININT32, G_MAXINT32, &number))
    {
      *value = (gint32) number;
      return TRUE;
    }
  if (found == NULL)
    {
      what = g_string_new (_ ("a number or one of "));
      for (guint i = 0; i < type->n_value_names; i++)
        json_read_add_name (what, i, type->values_by_name[i].name);
      return json_read_expected (reader, what->str, node);
    }
  *value = found->value;
  return TRUE;
}

static gboolean
json_read_string (PayloadReader *reader, char **value, JsonNode *node)
{
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;

  if (text == NULL)
    return json_read_expected (reader, _ ("a string"), node);
  if (!g_utf8_validate (text, -1, NULL))
    return json_read_fail (reader, _ ("expected a string in UTF-8"));
  *value = g_strdup (text);
  return TRUE;
}

/* Accepts both base64 alphabets, padded or not. NULL: @text is not base64. */
static char *
json_read_normalize_base64 (const char *text)
{
  gsize len = strlen (text), n = len;
  char *result;

  while (n > 0 && len - n < 2 && text[n - 1] == '=')
    n--;
  if (n % 4 == 1 || (n != len && len % 4 != 0))
    return NULL;
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isalnum (text[i]) && strchr ("+/-_", text[i]) == NULL)
      return NULL;
  result = g_malloc0 (n + 4);
  memcpy (result, text, n);
  g_strdelimit (result, "-", '+');
  g_strdelimit (result, "_", '/');
  while (n % 4 != 0)
    result[n++] = '=';
  return result;
}

static gboolean
json_read_bytes (PayloadReader *reader, ProtobufCBinaryData *value, JsonNode *node)
{
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
  g_autofree char *normal = text != NULL ? json_read_normalize_base64 (text) : NULL;

  if (normal == NULL)
    return json_read_expected (reader, _ ("bytes in base64"), node);
  *value = (ProtobufCBinaryData){ 0, NULL }; /* the default value belongs to the type and is not freed */
  if (*normal != '\0')
    value->data = g_base64_decode (normal, &value->len);
  return TRUE;
}

/* --- fields --- */

/* The pointer is stored before the sub-message is read, so that freeing the outer message frees both at any time. */
static gboolean
json_read_sub_message (PayloadReader *reader,
                       const ProtobufCMessageDescriptor *type,
                       ProtobufCMessage **value,
                       JsonNode *node)
{
  *value = ctl_json_message_new (type);
  return json_read_message (reader, *value, node);
}

static gboolean
json_read_value (PayloadReader *reader, const ProtobufCFieldDescriptor *field, gpointer value, JsonNode *node)
{
  if (field->type == PROTOBUF_C_TYPE_MESSAGE)
    return json_read_sub_message (reader, field->descriptor, value, node);
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return json_read_signed (reader, FALSE, value, node);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return json_read_signed (reader, TRUE, value, node);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
      return json_read_unsigned (reader, FALSE, value, node);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return json_read_unsigned (reader, TRUE, value, node);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
      return json_read_real (reader, field->type == PROTOBUF_C_TYPE_DOUBLE, value, node);
    case PROTOBUF_C_TYPE_BOOL:
      return json_read_bool (reader, value, node);
    case PROTOBUF_C_TYPE_ENUM:
      return json_read_enum (reader, field->descriptor, value, node);
    case PROTOBUF_C_TYPE_STRING:
      return json_read_string (reader, value, node);
    case PROTOBUF_C_TYPE_BYTES:
      return json_read_bytes (reader, value, node);
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return FALSE;
    }
}

/* Allocates @n zeroed values and sets the count, so that the message can be freed at any time. */
static gpointer
json_read_make_room (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, gsize n)
{
  gpointer values = n > 0 ? g_malloc0_n (n, ctl_json_value_size (field->type)) : NULL;

  *(gpointer *) ctl_json_member (message, field) = values;
  ctl_json_set_count (message, field, n);
  return values;
}

static gboolean
json_read_list (PayloadReader *reader, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, JsonNode *node)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  gsize path = reader->path->len, size = ctl_json_value_size (field->type);
  guint8 *values;
  guint n;

  if (list == NULL)
    return json_read_expected (reader, _ ("a list"), node);
  n = json_array_get_length (list);
  values = json_read_make_room (message, field, n);
  for (guint i = 0; i < n; i++)
    {
      g_string_append_printf (reader->path, "[%u]", i);
      if (!json_read_value (reader, field, values + i * size, json_array_get_element (list, i)))
        return FALSE;
      g_string_truncate (reader->path, path);
    }
  return TRUE;
}

static gboolean
json_read_key (PayloadReader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *entry, const char *key)
{
  g_autoptr (JsonNode) node = json_node_alloc ();

  if (field->type == PROTOBUF_C_TYPE_BOOL && (strcmp (key, "true") == 0 || strcmp (key, "false") == 0))
    json_node_init_boolean (node, *key == 't');
  else
    json_node_init_string (node, key);
  ctl_json_set_present (entry, field);
  return json_read_value (reader, field, ctl_json_member (entry, field), node);
}

static gboolean
json_read_map (PayloadReader *reader, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, JsonNode *node)
{
  const ProtobufCMessageDescriptor *type = field->descriptor;
  JsonObject *map = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  g_autoptr (GList) keys = NULL;
  gsize path = reader->path->len;
  ProtobufCMessage **entry;

  if (map == NULL)
    return json_read_expected (reader, _ ("an object"), node);
  keys = json_object_get_members (map);
  entry = json_read_make_room (message, field, json_object_get_size (map));
  for (GList *key = keys; key != NULL; key = key->next, entry++)
    {
      *entry = ctl_json_message_new (type);
      g_string_append_printf (reader->path, "[\"%s\"]", (const char *) key->data);
      if (!json_read_key (reader, &type->fields[0], *entry, key->data))
        return FALSE;
      ctl_json_set_present (*entry, &type->fields[1]);
      if (!json_read_value (reader, &type->fields[1], ctl_json_member (*entry, &type->fields[1]),
                            json_object_get_member (map, key->data)))
        return FALSE;
      g_string_truncate (reader->path, path);
    }
  return TRUE;
}

static gboolean
json_read_field (PayloadReader *reader,
                 ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *field,
                 JsonNode *node)
{
  if (ctl_json_is_map (field))
    return json_read_map (reader, message, field, node);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return json_read_list (reader, message, field, node);
  if (!ctl_json_oneof_is_free (message, field))
    return json_read_fail (reader, _ ("another field of the same oneof is set"));
  ctl_json_set_present (message, field);
  return json_read_value (reader, field, ctl_json_member (message, field), node);
}

/* --- messages --- */

/* As protoc does it: an underscore is left out, and the letter after it is upper case. */
static gboolean
json_read_is_camel_case_of (const char *name, const char *field_name)
{
  gboolean upper = FALSE;

  for (; *field_name != '\0'; field_name++)
    {
      if (*field_name == '_')
        {
          upper = TRUE;
          continue;
        }
      if (*name++ != (upper ? g_ascii_toupper (*field_name) : *field_name))
        return FALSE;
      upper = FALSE;
    }
  return *name == '\0';
}

/* ctl-types keeps the JSON name of the .proto in reserved2. Generated types do not have it. */
static const ProtobufCFieldDescriptor *
json_read_find_field (const ProtobufCMessageDescriptor *type, const char *name)
{
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name (type, name);

  for (guint i = 0; field == NULL && i < type->n_fields; i++)
    if (type->fields[i].reserved2 != NULL ? strcmp (type->fields[i].reserved2, name) == 0
                                          : json_read_is_camel_case_of (name, type->fields[i].name))
      field = &type->fields[i];
  return field;
}

static gboolean
json_read_check_required (PayloadReader *reader, const ProtobufCMessageDescriptor *type, const gboolean *seen)
{
  for (guint i = 0; i < type->n_fields; i++)
    if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && type->fields[i].default_value == NULL && !seen[i])
      {
        g_autofree char *problem = g_strdup_printf (_ ("field %s is required"), type->fields[i].name);

        return json_read_fail (reader, problem);
      }
  return TRUE;
}

/* A member that is null counts as absent. */
static gboolean
json_read_member (PayloadReader *reader, ProtobufCMessage *message, const char *name, JsonNode *node, gboolean *seen)
{
  const ProtobufCFieldDescriptor *field = json_read_find_field (message->descriptor, name);
  gsize path = reader->path->len;
  gsize place;

  g_string_append_printf (reader->path, "%s%s", path > 0 ? "." : "", name);
  if (field == NULL)
    return json_read_unknown_field (reader, message->descriptor);
  place = (gsize) (field - message->descriptor->fields);
  if (seen[place])
    return json_read_fail (reader, _ ("the field is given twice, under both of its names"));
  if (node != NULL && !JSON_NODE_HOLDS_NULL (node))
    {
      seen[place] = TRUE;
      if (!json_read_field (reader, message, field, node))
        return FALSE;
    }
  g_string_truncate (reader->path, path);
  return TRUE;
}

/* Recurses into sub-messages, at most CTL_JSON_DEPTH_MAX deep. */
static gboolean
json_read_message (PayloadReader *reader, ProtobufCMessage *message, JsonNode *node)
{
  g_autofree gboolean *seen = g_new0 (gboolean, message->descriptor->n_fields + 1);
  g_autoptr (GList) names = NULL;
  g_autofree char *problem = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return json_read_expected (reader, _ ("an object"), node);
  if (reader->depth == CTL_JSON_DEPTH_MAX)
    {
      problem = g_strdup_printf (_ ("messages are nested more than %u levels deep"), CTL_JSON_DEPTH_MAX);
      return json_read_fail (reader, problem);
    }
  reader->depth++;
  names = json_object_get_members (json_node_get_object (node));
  for (GList *name = names; name != NULL; name = name->next)
    if (!json_read_member (reader, message, name->data,
                           json_object_get_member (json_node_get_object (node), name->data), seen))
      return FALSE;
  reader->depth--;
  return json_read_check_required (reader, message->descriptor, seen);
}

GBytes *
ctl_json_to_payload (const ProtobufCMessageDescriptor *type, JsonNode *node, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  g_autoptr (ProtobufCMessage) message = ctl_json_message_new (type);
  g_autoptr (JsonNode) empty = json_node_init_object (json_node_alloc (), NULL);
  g_autoptr (JsonObject) object = json_object_new ();
  PayloadReader reader = { .path = path, .error = error };
  guint8 *bytes;
  gsize len;

  json_node_set_object (empty, object);
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    node = empty;
  if (!json_read_message (&reader, message, node))
    return NULL;
  len = protobuf_c_message_get_packed_size (message);
  bytes = g_malloc (MAX (len, 1));
  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

/* NOLINTEND(misc-no-recursion) */
