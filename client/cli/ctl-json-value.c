/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-value.h"

#include <math.h>
#include <string.h>

/* --- the tree --- */

CtlJsonValue *
ctl_json_value_new (CtlJsonKind kind)
{
  return ctl_json_value_new_text (kind, NULL);
}

CtlJsonValue *
ctl_json_value_new_text (CtlJsonKind kind, char *text)
{
  CtlJsonValue *value = g_new0 (CtlJsonValue, 1);

  value->kind = kind;
  value->text = text;
  if (kind == CTL_JSON_ARRAY || kind == CTL_JSON_OBJECT)
    value->items = g_ptr_array_new_with_free_func ((GDestroyNotify) ctl_json_value_free);
  if (kind == CTL_JSON_OBJECT)
    value->names = g_ptr_array_new_with_free_func (g_free);
  return value;
}

/* The depth of a tree is bounded. */
void
ctl_json_value_free (CtlJsonValue *value) /* NOLINT(misc-no-recursion) */
{
  g_clear_pointer (&value->items, g_ptr_array_unref);
  g_clear_pointer (&value->names, g_ptr_array_unref);
  g_free (value->text);
  g_free (value);
}

guint
ctl_json_value_length (const CtlJsonValue *value)
{
  return value->items != NULL ? value->items->len : 0;
}

const CtlJsonValue *
ctl_json_value_item (const CtlJsonValue *value, guint place)
{
  return g_ptr_array_index (value->items, place);
}

const char *
ctl_json_value_name (const CtlJsonValue *value, guint place)
{
  return g_ptr_array_index (value->names, place);
}

/* --- numbers --- */

static gsize
number_digits (const char *text, const char *end)
{
  const char *at = text;

  while (at < end && g_ascii_isdigit (*at))
    at++;
  return (gsize) (at - text);
}

/* A number in parts: 0.D1 D2 ... Dn times ten to the power of @point, without leading and trailing zeros. */
typedef struct
{
  gboolean negative;
  GString *digits;
  gint64 point;
} NumberParts;

#define EXPONENT_MAX 100000000 /* above the length of any text */

static gint64
number_exponent (const char *text, const char *end)
{
  gboolean negative = *text == '-';
  gint64 exponent = 0;

  for (text += *text == '-' || *text == '+'; text < end; text++)
    exponent = MIN (exponent * 10 + (*text - '0'), EXPONENT_MAX);
  return negative ? -exponent : exponent;
}

gsize
ctl_json_number_length (const char *text, gsize len)
{
  const char *at = text, *end = text + len;
  gsize n;

  at += at < end && *at == '-';
  n = number_digits (at, end);
  if (n == 0 || (n > 1 && *at == '0'))
    return 0;
  at += n;
  if (at < end && *at == '.')
    {
      n = number_digits (at + 1, end);
      if (n == 0)
        return 0;
      at += 1 + n;
    }
  if (at < end && (*at == 'e' || *at == 'E'))
    {
      at++;
      at += at < end && (*at == '-' || *at == '+');
      n = number_digits (at, end);
      if (n == 0)
        return 0;
      at += n;
    }
  return (gsize) (at - text);
}

static gboolean
number_is_whole_text (const char *text)
{
  gsize len = strlen (text);

  return len > 0 && ctl_json_number_length (text, len) == len;
}

/* FALSE: @text is not a JSON number. */
static gboolean
number_parts_init (NumberParts *parts, const char *text)
{
  gsize mantissa = strcspn (text, "eE"), skip = 0;
  const char *dot;

  *parts = (NumberParts){ .negative = *text == '-', .digits = g_string_new (NULL) };
  if (!number_is_whole_text (text))
    return FALSE;
  dot = memchr (text, '.', mantissa);
  parts->point = (dot != NULL ? dot - text : (gint64) mantissa) - parts->negative;
  for (gsize i = parts->negative ? 1 : 0; i < mantissa; i++)
    if (text[i] != '.')
      g_string_append_c (parts->digits, text[i]);
  if (text[mantissa] != '\0')
    parts->point += number_exponent (text + mantissa + 1, text + strlen (text));
  while (parts->digits->len > 0 && parts->digits->str[parts->digits->len - 1] == '0')
    g_string_truncate (parts->digits, parts->digits->len - 1);
  while (parts->digits->str[skip] == '0')
    skip++;
  g_string_erase (parts->digits, 0, (gssize) skip);
  parts->point -= (gint64) skip;
  return TRUE;
}

static void
number_parts_clear (NumberParts *parts)
{
  g_string_free (parts->digits, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (NumberParts, number_parts_clear)

/* FALSE: it is not an integer, or above @max. */
static gboolean
number_magnitude (const NumberParts *parts, guint64 max, guint64 *magnitude)
{
  *magnitude = 0;
  if (parts->digits->len == 0)
    return TRUE;
  if (parts->point < (gint64) parts->digits->len || parts->point > 20)
    return FALSE;
  for (gint64 i = 0; i < parts->point; i++)
    {
      guint digit = (gsize) i < parts->digits->len ? (guint) (parts->digits->str[i] - '0') : 0;

      if (*magnitude > (max - digit) / 10 || digit > max)
        return FALSE;
      *magnitude = *magnitude * 10 + digit;
    }
  return TRUE;
}

gboolean
ctl_json_text_to_signed (const char *text, gint64 min, gint64 max, gint64 *value)
{
  g_auto (NumberParts) parts = { 0 };
  guint64 magnitude;

  if (!number_parts_init (&parts, text)
      || !number_magnitude (&parts, parts.negative ? (guint64) 0 - (guint64) min : (guint64) max, &magnitude))
    return FALSE;
  *value = (gint64) (parts.negative ? (guint64) 0 - magnitude : magnitude);
  return TRUE;
}

gboolean
ctl_json_text_to_unsigned (const char *text, guint64 max, guint64 *value)
{
  g_auto (NumberParts) parts = { 0 };

  return number_parts_init (&parts, text) && number_magnitude (&parts, parts.negative ? 0 : max, value);
}

gboolean
ctl_json_text_to_real (const char *text, double *value)
{
  if (!number_is_whole_text (text))
    return FALSE;
  *value = g_ascii_strtod (text, NULL);
  return isfinite (*value);
}
