/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-scalar.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The smallest number that is rounded to infinity, and not to the largest float. */
#define FLOAT_BOUND 0x1.ffffffp127

/* The text of a number, which may also be written as a string. NULL: it is neither. */
static const char *
scalar_number_text (const CtlJsonValue *json)
{
  return json->kind == CTL_JSON_NUMBER || json->kind == CTL_JSON_STRING ? json->text : NULL;
}

static gboolean
scalar_read_signed (CtlJsonReader *reader, gboolean wide, gpointer value, const CtlJsonValue *json)
{
  gint64 min = wide ? G_MININT64 : G_MININT32, max = wide ? G_MAXINT64 : G_MAXINT32, number = 0;
  const char *text = scalar_number_text (json);
  g_autofree char *what = NULL;

  if (text == NULL || !ctl_json_text_to_signed (text, min, max, &number))
    {
      what = g_strdup_printf (_ ("a number from %" PRId64 " to %" PRId64), min, max);
      return ctl_json_expected (reader, what, json);
    }
  if (wide)
    *(gint64 *) value = number;
  else
    *(gint32 *) value = (gint32) number;
  return TRUE;
}

static gboolean
scalar_read_unsigned (CtlJsonReader *reader, gboolean wide, gpointer value, const CtlJsonValue *json)
{
  guint64 max = wide ? G_MAXUINT64 : G_MAXUINT32, number = 0;
  const char *text = scalar_number_text (json);
  g_autofree char *what = NULL;

  if (text == NULL || !ctl_json_text_to_unsigned (text, max, &number))
    {
      what = g_strdup_printf (_ ("a number from 0 to %" PRIu64), max);
      return ctl_json_expected (reader, what, json);
    }
  if (wide)
    *(guint64 *) value = number;
  else
    *(guint32 *) value = (guint32) number;
  return TRUE;
}

/* FALSE: @text is neither a number that a double can hold nor the name of a number that JSON cannot express. */
static gboolean
scalar_text_to_real (const char *text, double *value)
{
  static const struct
  {
    const char *name;
    double value;
  } rows[] = { { "NaN", (double) NAN }, { "Infinity", (double) INFINITY }, { "-Infinity", -(double) INFINITY } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (text, rows[i].name) == 0)
      {
        *value = rows[i].value;
        return TRUE;
      }
  return ctl_json_text_to_real (text, value);
}

static gboolean
scalar_read_real (CtlJsonReader *reader, gboolean wide, gpointer value, const CtlJsonValue *json)
{
  const char *text = scalar_number_text (json);
  double number = 0;
  gboolean known = text != NULL && scalar_text_to_real (text, &number);

  if (!known && json->kind != CTL_JSON_NUMBER)
    return ctl_json_expected (reader, _ ("a number, \"NaN\", \"Infinity\" or \"-Infinity\""), json);
  if (!known || (!wide && isfinite (number) && fabs (number) >= FLOAT_BOUND))
    return ctl_json_expected (reader, wide ? _ ("a number that fits 64 bits") : _ ("a number that fits 32 bits"), json);
  if (wide)
    *(double *) value = number;
  else
    *(float *) value = (float) number;
  return TRUE;
}

static gboolean
scalar_read_bool (CtlJsonReader *reader, protobuf_c_boolean *value, const CtlJsonValue *json)
{
  if (json->kind != CTL_JSON_TRUE && json->kind != CTL_JSON_FALSE)
    return ctl_json_expected (reader, _ ("true or false"), json);
  *value = json->kind == CTL_JSON_TRUE;
  return TRUE;
}

static gboolean
scalar_read_enum (CtlJsonReader *reader, const ProtobufCEnumDescriptor *type, gint32 *value, const CtlJsonValue *json)
{
  g_autoptr (GString) what = NULL;
  const ProtobufCEnumValue *found = NULL;
  gint64 number = 0;

  if (json->kind == CTL_JSON_STRING)
    found = protobuf_c_enum_descriptor_get_value_by_name (type, json->text);
  else if (json->kind == CTL_JSON_NUMBER && ctl_json_text_to_signed (json->text, G_MININT32, G_MAXINT32, &number))
    {
      *value = (gint32) number;
      return TRUE;
    }
  if (found == NULL)
    {
      what = g_string_new (_ ("a number or one of "));
      for (guint i = 0; i < type->n_value_names; i++)
        ctl_json_add_name (what, i, type->values_by_name[i].name);
      return ctl_json_expected (reader, what->str, json);
    }
  *value = found->value;
  return TRUE;
}

static gboolean
scalar_read_string (CtlJsonReader *reader, char **value, const CtlJsonValue *json)
{
  const char *text = json->kind == CTL_JSON_STRING ? json->text : NULL;

  if (text == NULL)
    return ctl_json_expected (reader, _ ("a string"), json);
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
scalar_read_bytes (CtlJsonReader *reader, ProtobufCBinaryData *value, const CtlJsonValue *json)
{
  const char *text = json->kind == CTL_JSON_STRING ? json->text : NULL;
  g_autofree char *normal = text != NULL ? scalar_normalize_base64 (text) : NULL;

  if (normal == NULL)
    return ctl_json_expected (reader, _ ("bytes in base64"), json);
  *value = (ProtobufCBinaryData){ 0, NULL }; /* the default value belongs to the type and is not freed */
  if (*normal != '\0')
    value->data = g_base64_decode (normal, &value->len);
  return TRUE;
}

gboolean
ctl_json_read_scalar (CtlJsonReader *reader,
                      const ProtobufCFieldDescriptor *field,
                      gpointer value,
                      const CtlJsonValue *json)
{
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return scalar_read_signed (reader, FALSE, value, json);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return scalar_read_signed (reader, TRUE, value, json);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
      return scalar_read_unsigned (reader, FALSE, value, json);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return scalar_read_unsigned (reader, TRUE, value, json);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
      return scalar_read_real (reader, field->type == PROTOBUF_C_TYPE_DOUBLE, value, json);
    case PROTOBUF_C_TYPE_BOOL:
      return scalar_read_bool (reader, value, json);
    case PROTOBUF_C_TYPE_ENUM:
      return scalar_read_enum (reader, field->descriptor, value, json);
    case PROTOBUF_C_TYPE_STRING:
      return scalar_read_string (reader, value, json);
    case PROTOBUF_C_TYPE_BYTES:
      return scalar_read_bytes (reader, value, json);
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return FALSE;
    }
}
