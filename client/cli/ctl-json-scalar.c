/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-scalar.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The bounds of 64-bit integers, which a double has exactly. */
#define TWO_TO_63 9223372036854775808.0

static gboolean
scalar_number_to_signed (JsonNode *node, gint64 min, gint64 max, gint64 *value)
{
  double real;

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      *value = json_node_get_int (node);
      break;
    case G_TYPE_DOUBLE:
      real = json_node_get_double (node);
      if (!(real >= -TWO_TO_63 && real < TWO_TO_63) || (double) (gint64) real != real)
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
scalar_number_to_unsigned (JsonNode *node, guint64 max, guint64 *value)
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
      if (!(real >= 0 && real < 2 * TWO_TO_63) || (double) (guint64) real != real)
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
scalar_read_signed (CtlJsonReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  gint64 min = wide ? G_MININT64 : G_MININT32, max = wide ? G_MAXINT64 : G_MAXINT32, number = 0;
  g_autofree char *what = NULL;

  if (!scalar_number_to_signed (node, min, max, &number))
    {
      what = g_strdup_printf (_ ("a number from %" PRId64 " to %" PRId64), min, max);
      return ctl_json_expected (reader, what, node);
    }
  if (wide)
    *(gint64 *) value = number;
  else
    *(gint32 *) value = (gint32) number;
  return TRUE;
}

static gboolean
scalar_read_unsigned (CtlJsonReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  guint64 max = wide ? G_MAXUINT64 : G_MAXUINT32, number = 0;
  g_autofree char *what = NULL;

  if (!scalar_number_to_unsigned (node, max, &number))
    {
      what = g_strdup_printf (_ ("a number from 0 to %" PRIu64), max);
      return ctl_json_expected (reader, what, node);
    }
  if (wide)
    *(guint64 *) value = number;
  else
    *(guint32 *) value = (guint32) number;
  return TRUE;
}

/* "NaN", "Infinity", "-Infinity", or a finite decimal number. Other forms that strtod() reads are refused. */
static gboolean
scalar_text_to_real (const char *text, double *value)
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
scalar_node_to_real (JsonNode *node, double *value)
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
      return scalar_text_to_real (json_node_get_string (node), value);
    default:
      return FALSE;
    }
}

static gboolean
scalar_read_real (CtlJsonReader *reader, gboolean wide, gpointer value, JsonNode *node)
{
  double number = 0;

  if (!scalar_node_to_real (node, &number))
    return ctl_json_expected (reader, _ ("a number, \"NaN\", \"Infinity\" or \"-Infinity\""), node);
  if (wide)
    *(double *) value = number;
  else if (isfinite (number) && fabs (number) > (double) G_MAXFLOAT)
    return ctl_json_expected (reader, _ ("a number that fits 32 bits"), node);
  else
    *(float *) value = (float) number;
  return TRUE;
}

static gboolean
scalar_read_bool (CtlJsonReader *reader, protobuf_c_boolean *value, JsonNode *node)
{
  if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return ctl_json_expected (reader, _ ("true or false"), node);
  *value = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
scalar_read_enum (CtlJsonReader *reader, const ProtobufCEnumDescriptor *type, gint32 *value, JsonNode *node)
{
  g_autoptr (GString) what = NULL;
  const ProtobufCEnumValue *found = NULL;
  gint64 number = 0;

  if (json_node_get_value_type (node) == G_TYPE_STRING)
    found = protobuf_c_enum_descriptor_get_value_by_name (type, json_node_get_string (node));
  else if (scalar_number_to_signed (node, G_MININT32, G_MAXINT32, &number))
    {
      *value = (gint32) number;
      return TRUE;
    }
  if (found == NULL)
    {
      what = g_string_new (_ ("a number or one of "));
      for (guint i = 0; i < type->n_value_names; i++)
        ctl_json_add_name (what, i, type->values_by_name[i].name);
      return ctl_json_expected (reader, what->str, node);
    }
  *value = found->value;
  return TRUE;
}

static gboolean
scalar_read_string (CtlJsonReader *reader, char **value, JsonNode *node)
{
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;

  if (text == NULL)
    return ctl_json_expected (reader, _ ("a string"), node);
  if (!g_utf8_validate (text, -1, NULL))
    return ctl_json_fail (reader, _ ("expected a string in UTF-8"));
  *value = g_strdup (text);
  return TRUE;
}

/* Accepts both base64 alphabets, padded or not. NULL: @text is not base64. */
static char *
scalar_normalize_base64 (const char *text)
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
scalar_read_bytes (CtlJsonReader *reader, ProtobufCBinaryData *value, JsonNode *node)
{
  const char *text = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
  g_autofree char *normal = text != NULL ? scalar_normalize_base64 (text) : NULL;

  if (normal == NULL)
    return ctl_json_expected (reader, _ ("bytes in base64"), node);
  *value = (ProtobufCBinaryData){ 0, NULL }; /* the default value belongs to the type and is not freed */
  if (*normal != '\0')
    value->data = g_base64_decode (normal, &value->len);
  return TRUE;
}

gboolean
ctl_json_read_scalar (CtlJsonReader *reader, const ProtobufCFieldDescriptor *field, gpointer value, JsonNode *node)
{
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return scalar_read_signed (reader, FALSE, value, node);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return scalar_read_signed (reader, TRUE, value, node);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
      return scalar_read_unsigned (reader, FALSE, value, node);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return scalar_read_unsigned (reader, TRUE, value, node);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
      return scalar_read_real (reader, field->type == PROTOBUF_C_TYPE_DOUBLE, value, node);
    case PROTOBUF_C_TYPE_BOOL:
      return scalar_read_bool (reader, value, node);
    case PROTOBUF_C_TYPE_ENUM:
      return scalar_read_enum (reader, field->descriptor, value, node);
    case PROTOBUF_C_TYPE_STRING:
      return scalar_read_string (reader, value, node);
    case PROTOBUF_C_TYPE_BYTES:
      return scalar_read_bytes (reader, value, node);
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return FALSE;
    }
}
