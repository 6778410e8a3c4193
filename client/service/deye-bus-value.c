/* SPDX-License-Identifier: Apache-2.0 */
#include "service/deye-bus-value.h"

#include <math.h>

GType
deye_bus_value_type (GType type)
{
  switch (type)
    {
    case G_TYPE_STRING:
    case G_TYPE_BOOLEAN:
    case G_TYPE_INT64:
    case G_TYPE_UINT64:
    case G_TYPE_DOUBLE:
      return type;
    case G_TYPE_CHAR:
    case G_TYPE_INT:
    case G_TYPE_LONG:
      return G_TYPE_INT64;
    case G_TYPE_UCHAR:
    case G_TYPE_UINT:
    case G_TYPE_ULONG:
      return G_TYPE_UINT64;
    case G_TYPE_FLOAT:
      return G_TYPE_DOUBLE;
    default:
      return G_TYPE_INVALID;
    }
}

const char *
deye_bus_value_kind (GType type)
{
  switch (type)
    {
    case G_TYPE_BOOLEAN:
      return "truth";
    case G_TYPE_INT64:
      return "integer";
    case G_TYPE_UINT64:
      return "natural";
    case G_TYPE_DOUBLE:
      return "number";
    default:
      return "text";
    }
}

/* Converts between two different normalized types; only numbers can be converted into each other. */
static gboolean
value_convert_number (const GValue *value, GType type, GValue *result)
{
  gboolean from_signed = G_VALUE_HOLDS_INT64 (value);

  if (!from_signed && !G_VALUE_HOLDS_UINT64 (value))
    return FALSE;
  if ((type == G_TYPE_UINT64 && (!from_signed || g_value_get_int64 (value) < 0))
      || (type == G_TYPE_INT64 && (from_signed || g_value_get_uint64 (value) > G_MAXINT64)))
    return FALSE;
  if (type != G_TYPE_UINT64 && type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  g_value_init (result, type);
  return g_value_transform (value, result);
}

/* Text that is not UTF-8 is refused, because it would make the whole description of the peer unreadable. */
static gboolean
value_is_utf8 (const GValue *value)
{
  const char *text = G_VALUE_HOLDS_STRING (value) ? g_value_get_string (value) : NULL;

  return text == NULL || g_utf8_validate (text, -1, NULL);
}

gboolean
deye_bus_value_convert (const GValue *value, GType type, GValue *result)
{
  g_auto (GValue) normal = G_VALUE_INIT;
  GType normal_type = deye_bus_value_type (G_VALUE_TYPE (value));

  if (normal_type == G_TYPE_INVALID)
    return FALSE;
  g_value_init (&normal, normal_type);
  if (!g_value_transform (value, &normal) || !value_is_utf8 (&normal))
    return FALSE;
  if (normal_type != type)
    return value_convert_number (&normal, type, result);
  g_value_init (result, type);
  g_value_copy (&normal, result);
  return TRUE;
}

/* Two NaN count as equal here, so that setting NaN again is not reported as a change. */
static gboolean
value_equal_numbers (gdouble a, gdouble b)
{
  if (isnan (a) || isnan (b))
    return isnan (a) && isnan (b);
  return !(a < b) && !(a > b);
}

gboolean
deye_bus_value_equal (const GValue *a, const GValue *b)
{
  switch (G_VALUE_TYPE (a))
    {
    case G_TYPE_STRING:
      return g_strcmp0 (g_value_get_string (a), g_value_get_string (b)) == 0;
    case G_TYPE_BOOLEAN:
      return !g_value_get_boolean (a) == !g_value_get_boolean (b);
    case G_TYPE_INT64:
      return g_value_get_int64 (a) == g_value_get_int64 (b);
    case G_TYPE_UINT64:
      return g_value_get_uint64 (a) == g_value_get_uint64 (b);
    default:
      return value_equal_numbers (g_value_get_double (a), g_value_get_double (b));
    }
}

void
deye_bus_value_to_wire (const GValue *value, DeyeBusWireValue *wire)
{
  const char *text;

  daemoneye__eventbus__v1__value__init (wire);
  switch (G_VALUE_TYPE (value))
    {
    case G_TYPE_BOOLEAN:
      wire->kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TRUTH;
      wire->truth = g_value_get_boolean (value);
      break;
    case G_TYPE_INT64:
      wire->kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_INTEGER;
      wire->integer = g_value_get_int64 (value);
      break;
    case G_TYPE_UINT64:
      wire->kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL;
      wire->natural = g_value_get_uint64 (value);
      break;
    case G_TYPE_DOUBLE:
      wire->kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NUMBER;
      wire->number = g_value_get_double (value);
      break;
    default:
      text = g_value_get_string (value);
      wire->kind_case = DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TEXT;
      wire->text = (char *) (text != NULL ? text : "");
    }
}

gboolean
deye_bus_value_from_wire (const DeyeBusWireValue *wire, GValue *value)
{
  switch (wire != NULL ? wire->kind_case : DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET)
    {
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TEXT:
      g_value_set_string (g_value_init (value, G_TYPE_STRING), wire->text);
      return TRUE;
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_INTEGER:
      g_value_set_int64 (g_value_init (value, G_TYPE_INT64), wire->integer);
      return TRUE;
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL:
      g_value_set_uint64 (g_value_init (value, G_TYPE_UINT64), wire->natural);
      return TRUE;
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_TRUTH:
      g_value_set_boolean (g_value_init (value, G_TYPE_BOOLEAN), wire->truth);
      return TRUE;
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NUMBER:
      g_value_set_double (g_value_init (value, G_TYPE_DOUBLE), wire->number);
      return TRUE;
    case DAEMONEYE__EVENTBUS__V1__VALUE__KIND__NOT_SET:
    default:
      return FALSE;
    }
}
