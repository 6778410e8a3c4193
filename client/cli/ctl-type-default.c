/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-default.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static gpointer
default_copy_value (CtlPool *pool, gconstpointer value, gsize size)
{
  gpointer block = ctl_pool_alloc (pool, 1, size);

  memcpy (block, value, size);
  return block;
}

static gconstpointer
default_signed (CtlPool *pool, const char *text, gboolean wide)
{
  gint64 value;
  gint32 narrow;

  if (!g_ascii_string_to_signed (text, 10, wide ? G_MININT64 : G_MININT32, wide ? G_MAXINT64 : G_MAXINT32, &value,
                                 NULL))
    return NULL;
  narrow = (gint32) value;
  return wide ? default_copy_value (pool, &value, sizeof value) : default_copy_value (pool, &narrow, sizeof narrow);
}

static gconstpointer
default_unsigned (CtlPool *pool, const char *text, gboolean wide)
{
  guint64 value;
  guint32 narrow;

  if (!g_ascii_string_to_unsigned (text, 10, 0, wide ? G_MAXUINT64 : G_MAXUINT32, &value, NULL))
    return NULL;
  narrow = (guint32) value;
  return wide ? default_copy_value (pool, &value, sizeof value) : default_copy_value (pool, &narrow, sizeof narrow);
}

static gconstpointer
default_real (CtlPool *pool, const char *text, gboolean wide)
{
  char *end;
  double value = g_ascii_strtod (text, &end); /* accepts inf and nan, too */
  float narrow;

  if (*text == '\0' || *end != '\0')
    return NULL;
  if (wide)
    return default_copy_value (pool, &value, sizeof value);
  if (isfinite (value) && fabs (value) > (double) G_MAXFLOAT)
    return NULL;
  narrow = (float) value;
  return default_copy_value (pool, &narrow, sizeof narrow);
}

static gconstpointer
default_bool (CtlPool *pool, const char *text)
{
  protobuf_c_boolean value = strcmp (text, "true") == 0;

  return value || strcmp (text, "false") == 0 ? default_copy_value (pool, &value, sizeof value) : NULL;
}

/* protoc writes bytes with C escapes. g_strcompress() can't be used, because its result ends at the first NUL byte. */
static gconstpointer
default_bytes (CtlPool *pool, const char *text)
{
  static const char letters[] = "abfnrtv\\'\"?", values[] = "\a\b\f\n\r\t\v\\'\"?";
  ProtobufCBinaryData *value = ctl_pool_alloc (pool, 1, sizeof *value);

  value->data = ctl_pool_alloc (pool, strlen (text) + 1, 1);
  while (*text != '\0')
    {
      guint byte = 0, digits = 0;
      const char *letter;

      if (*text != '\\')
        {
          value->data[value->len++] = (guint8) *text++;
          continue;
        }
      text++;
      for (; digits < 3 && *text >= '0' && *text <= '7'; digits++)
        byte = byte * 8 + (guint) (*text++ - '0');
      letter = digits == 0 && *text != '\0' ? strchr (letters, *text) : NULL;
      if (letter != NULL)
        {
          byte = (guint8) values[letter - letters];
          text++;
        }
      else if (digits == 0 || byte > G_MAXUINT8)
        return NULL;
      value->data[value->len++] = (guint8) byte;
    }
  return value;
}

static gconstpointer
default_enum (CtlPool *pool, const ProtobufCEnumDescriptor *type, const char *text)
{
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name (type, text);
  gint32 number;

  if (value == NULL)
    return NULL;
  number = value->value;
  return default_copy_value (pool, &number, sizeof number);
}

const void *
ctl_type_default_value (CtlPool *pool, const ProtobufCFieldDescriptor *field, const char *text)
{
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return default_signed (pool, text, FALSE);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return default_signed (pool, text, TRUE);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
      return default_unsigned (pool, text, FALSE);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
      return default_unsigned (pool, text, TRUE);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
      return default_real (pool, text, field->type == PROTOBUF_C_TYPE_DOUBLE);
    case PROTOBUF_C_TYPE_BOOL:
      return default_bool (pool, text);
    case PROTOBUF_C_TYPE_ENUM:
      return default_enum (pool, field->descriptor, text);
    case PROTOBUF_C_TYPE_STRING:
      return ctl_pool_string (pool, text);
    case PROTOBUF_C_TYPE_BYTES:
      return default_bytes (pool, text);
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return NULL;
    }
}
