/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json.h"

#include "ctl-json-member.h"
#include "ctl-json-reader.h"
#include "ctl-json-scalar.h"

#include <glib/gi18n.h>
#include <string.h>

/* JSON and messages are nested. The recursion is bounded: it ends with an error at CTL_JSON_DEPTH_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

static gboolean json_read_message (CtlJsonReader *reader, ProtobufCMessage *message, const CtlJsonValue *json);

/* --- fields --- */

/* The pointer is stored before the sub-message is read, so that freeing the outer message frees both at any time. */
static gboolean
json_read_sub_message (CtlJsonReader *reader,
                       const ProtobufCMessageDescriptor *type,
                       ProtobufCMessage **value,
                       const CtlJsonValue *json)
{
  *value = ctl_json_message_new (type);
  return json_read_message (reader, *value, json);
}

static gboolean
json_read_value (CtlJsonReader *reader, const ProtobufCFieldDescriptor *field, gpointer value, const CtlJsonValue *json)
{
  return field->type == PROTOBUF_C_TYPE_MESSAGE ? json_read_sub_message (reader, field->descriptor, value, json)
                                                : ctl_json_read_scalar (reader, field, value, json);
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
json_read_list (CtlJsonReader *reader,
                ProtobufCMessage *message,
                const ProtobufCFieldDescriptor *field,
                const CtlJsonValue *json)
{
  gsize path = reader->path->len, size = ctl_json_value_size (field->type);
  guint8 *values;
  guint n = ctl_json_value_length (json);

  if (json->kind != CTL_JSON_ARRAY)
    return ctl_json_expected (reader, _ ("a list"), json);
  values = json_read_make_room (message, field, n);
  for (guint i = 0; i < n; i++)
    {
      g_string_append_printf (reader->path, "[%u]", i);
      if (!json_read_value (reader, field, values + i * size, ctl_json_value_item (json, i)))
        return FALSE;
      g_string_truncate (reader->path, path);
    }
  return TRUE;
}

static gboolean
json_read_key (CtlJsonReader *reader, const ProtobufCFieldDescriptor *field, ProtobufCMessage *entry, const char *key)
{
  g_autoptr (CtlJsonValue) name = ctl_json_value_new_text (CTL_JSON_STRING, g_strdup (key));

  if (field->type == PROTOBUF_C_TYPE_BOOL && (strcmp (key, "true") == 0 || strcmp (key, "false") == 0))
    name->kind = *key == 't' ? CTL_JSON_TRUE : CTL_JSON_FALSE;
  /* Other spellings of a number are refused, because two names could then be the same key. */
  else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BOOL
           && (strpbrk (key, ".eE") != NULL || strcmp (key, "-0") == 0))
    return ctl_json_fail (
        reader, _ ("the key of a map is an integer: write it with digits only, without a fraction or an exponent"));
  ctl_json_set_present (entry, field);
  return json_read_value (reader, field, ctl_json_member (entry, field), name);
}

static gboolean
json_read_map (CtlJsonReader *reader,
               ProtobufCMessage *message,
               const ProtobufCFieldDescriptor *field,
               const CtlJsonValue *json)
{
  const ProtobufCMessageDescriptor *type = field->descriptor;
  gsize path = reader->path->len;
  ProtobufCMessage **entry;

  if (json->kind != CTL_JSON_OBJECT)
    return ctl_json_expected (reader, _ ("an object"), json);
  entry = json_read_make_room (message, field, ctl_json_value_length (json));
  for (guint i = 0; i < ctl_json_value_length (json); i++, entry++)
    {
      const char *key = ctl_json_value_name (json, i);

      *entry = ctl_json_message_new (type);
      g_string_append_printf (reader->path, "[\"%s\"]", key);
      if (!json_read_key (reader, &type->fields[0], *entry, key))
        return FALSE;
      ctl_json_set_present (*entry, &type->fields[1]);
      if (!json_read_value (reader, &type->fields[1], ctl_json_member (*entry, &type->fields[1]),
                            ctl_json_value_item (json, i)))
        return FALSE;
      g_string_truncate (reader->path, path);
    }
  return TRUE;
}

static gboolean
json_read_field (CtlJsonReader *reader,
                 ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *field,
                 const CtlJsonValue *json)
{
  if (ctl_json_is_map (field))
    return json_read_map (reader, message, field, json);
  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return json_read_list (reader, message, field, json);
  if (!ctl_json_oneof_is_free (message, field))
    return ctl_json_fail (reader, _ ("another field of the same oneof is set"));
  ctl_json_set_present (message, field);
  return json_read_value (reader, field, ctl_json_member (message, field), json);
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
json_read_member (CtlJsonReader *reader,
                  ProtobufCMessage *message,
                  const char *name,
                  const CtlJsonValue *json,
                  gboolean *seen)
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
  if (json->kind != CTL_JSON_NULL)
    {
      seen[place] = TRUE;
      if (!json_read_field (reader, message, field, json))
        return FALSE;
    }
  g_string_truncate (reader->path, path);
  return TRUE;
}

/* Recurses into sub-messages, at most CTL_JSON_DEPTH_MAX deep. */
static gboolean
json_read_message (CtlJsonReader *reader, ProtobufCMessage *message, const CtlJsonValue *json)
{
  g_autofree gboolean *seen = g_new0 (gboolean, message->descriptor->n_fields + 1);
  g_autofree char *problem = NULL;

  if (json->kind != CTL_JSON_OBJECT)
    return ctl_json_expected (reader, _ ("an object"), json);
  if (reader->depth == CTL_JSON_DEPTH_MAX)
    {
      problem = g_strdup_printf (_ ("messages are nested more than %u levels deep"), CTL_JSON_DEPTH_MAX);
      return ctl_json_fail (reader, problem);
    }
  reader->depth++;
  for (guint i = 0; i < ctl_json_value_length (json); i++)
    if (!json_read_member (reader, message, ctl_json_value_name (json, i), ctl_json_value_item (json, i), seen))
      return FALSE;
  reader->depth--;
  return json_read_check_required (reader, message->descriptor, seen);
}

GBytes *
ctl_json_to_payload (const ProtobufCMessageDescriptor *type, const CtlJsonValue *json, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  g_autoptr (ProtobufCMessage) message = ctl_json_message_new (type);
  g_autoptr (CtlJsonValue) empty = ctl_json_value_new (CTL_JSON_OBJECT);
  CtlJsonReader reader = { .path = path, .error = error };
  guint8 *bytes;
  gsize len;

  if (!json_read_message (&reader, message, json->kind != CTL_JSON_NULL ? json : empty))
    return NULL;
  len = protobuf_c_message_get_packed_size (message);
  bytes = g_malloc (MAX (len, 1));
  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

/* NOLINTEND(misc-no-recursion) */
