/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json.h"

#include "ctl-json-member.h"
#include "ctl-json-reader.h"
#include "ctl-json-scalar.h"

#include <glib/gi18n.h>
#include <string.h>

/* JSON and messages are nested. The recursion is bounded: it ends with an error at CTL_JSON_DEPTH_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

static gboolean json_read_message (CtlJsonReader *reader, ProtobufCMessage *message, JsonNode *node);

/* --- fields --- */

/* The pointer is stored before the sub-message is read, so that freeing the outer message frees both at any time. */
static gboolean
json_read_sub_message (CtlJsonReader *reader,
                       const ProtobufCMessageDescriptor *type,
                       ProtobufCMessage **value,
                       JsonNode *node)
{
  *value = ctl_json_message_new (type);
  return json_read_message (reader, *value, node);
}

static gboolean
json_read_value (CtlJsonReader *reader, const ProtobufCFieldDescriptor *field, gpointer value, JsonNode *node)
{
  return field->type == PROTOBUF_C_TYPE_MESSAGE ? json_read_sub_message (reader, field->descriptor, value, node)
                                                : ctl_json_read_scalar (reader, field, value, node);
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
json_read_list (CtlJsonReader *reader, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, JsonNode *node)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  gsize path = reader->path->len, size = ctl_json_value_size (field->type);
  guint8 *values;
  guint n;

  if (list == NULL)
    return ctl_json_expected (reader, _ ("a list"), node);
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
json_read_key (CtlJsonReader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *entry, const char *key)
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
json_read_map (CtlJsonReader *reader, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, JsonNode *node)
{
  const ProtobufCMessageDescriptor *type = field->descriptor;
  JsonObject *map = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  g_autoptr (GList) keys = NULL;
  gsize path = reader->path->len;
  ProtobufCMessage **entry;

  if (map == NULL)
    return ctl_json_expected (reader, _ ("an object"), node);
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
json_read_field (CtlJsonReader *reader,
                 ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *field,
                 JsonNode *node)
{
  if (ctl_json_is_map (field))
    return json_read_map (reader, message, field, node);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return json_read_list (reader, message, field, node);
  if (!ctl_json_oneof_is_free (message, field))
    return ctl_json_fail (reader, _ ("another field of the same oneof is set"));
  ctl_json_set_present (message, field);
  return json_read_value (reader, field, ctl_json_member (message, field), node);
}

/* --- messages --- */

static gboolean
json_read_unknown_field (CtlJsonReader *reader, const ProtobufCMessageDescriptor *type)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *problem = NULL;

  for (guint i = 0; i < type->n_fields; i++)
    ctl_json_add_name (names, i, type->fields[i].name);
  if (type->n_fields == 0)
    problem = g_strdup_printf (_ ("no such field; %s has no fields"), type->name);
  else
    problem = g_strdup_printf (_ ("no such field; %s has %s"), type->name, names->str);
  return ctl_json_fail (reader, problem);
}

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
json_read_check_required (CtlJsonReader *reader, const ProtobufCMessageDescriptor *type, const gboolean *seen)
{
  for (guint i = 0; i < type->n_fields; i++)
    if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && type->fields[i].default_value == NULL && !seen[i])
      {
        g_autofree char *problem = g_strdup_printf (_ ("field %s is required"), type->fields[i].name);

        return ctl_json_fail (reader, problem);
      }
  return TRUE;
}

/* A member that is null counts as absent. */
static gboolean
json_read_member (CtlJsonReader *reader, ProtobufCMessage *message, const char *name, JsonNode *node, gboolean *seen)
{
  const ProtobufCFieldDescriptor *field = json_read_find_field (message->descriptor, name);
  gsize path = reader->path->len;
  gsize place;

  g_string_append_printf (reader->path, "%s%s", path > 0 ? "." : "", name);
  if (field == NULL)
    return json_read_unknown_field (reader, message->descriptor);
  place = (gsize) (field - message->descriptor->fields);
  if (seen[place])
    return ctl_json_fail (reader, _ ("the field is given twice, under both of its names"));
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
json_read_message (CtlJsonReader *reader, ProtobufCMessage *message, JsonNode *node)
{
  g_autofree gboolean *seen = g_new0 (gboolean, message->descriptor->n_fields + 1);
  g_autoptr (GList) names = NULL;
  g_autofree char *problem = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return ctl_json_expected (reader, _ ("an object"), node);
  if (reader->depth == CTL_JSON_DEPTH_MAX)
    {
      problem = g_strdup_printf (_ ("messages are nested more than %u levels deep"), CTL_JSON_DEPTH_MAX);
      return ctl_json_fail (reader, problem);
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
  CtlJsonReader reader = { .path = path, .error = error };
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
