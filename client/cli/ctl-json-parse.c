/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-parse.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

/* Values are nested. The recursion is bounded: it ends with an error at CTL_JSON_NESTED_MAX. */
/* NOLINTBEGIN(misc-no-recursion) */

typedef struct
{
  const char *text;
  const char *at;
  const char *end;
  guint depth;
  GError **error;
} JsonParse;

static CtlJsonValue *parse_value (JsonParse *parse);

/* --- errors --- */

/* Sets an error about the place @at, in ordinary numbers of lines and characters. Returns NULL. */
static gpointer
parse_fail_at (const JsonParse *parse, const char *at, const char *problem)
{
  guint line = 1;
  const char *start = parse->text;

  for (const char *c = parse->text; c < at; c++)
    if (*c == '\n')
      {
        line++;
        start = c + 1;
      }
  g_set_error (parse->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("line %u, column %ld: %s"), line,
               g_utf8_strlen (start, at - start) + 1, problem);
  return NULL;
}

static gpointer
parse_fail (const JsonParse *parse, const char *problem)
{
  return parse_fail_at (parse, parse->at, parse->at < parse->end ? problem : _ ("the text ends before the value does"));
}

/* --- marks --- */

static void
parse_skip_space (JsonParse *parse)
{
  while (parse->at < parse->end && strchr (" \t\n\r", *parse->at) != NULL)
    parse->at++;
}

static gboolean
parse_is_at (const JsonParse *parse, char mark)
{
  return parse->at < parse->end && *parse->at == mark;
}

static gboolean
parse_take (JsonParse *parse, char mark)
{
  if (!parse_is_at (parse, mark))
    return FALSE;
  parse->at++;
  return TRUE;
}

/* --- strings --- */

/* The four digits of \uXXXX. FALSE: there are fewer. */
static gboolean
parse_hex (JsonParse *parse, gunichar *unit)
{
  *unit = 0;
  for (guint i = 0; i < 4; i++, parse->at++)
    {
      if (parse->at == parse->end || !g_ascii_isxdigit (*parse->at))
        return FALSE;
      *unit = *unit << 4 | (gunichar) g_ascii_xdigit_value (*parse->at);
    }
  return TRUE;
}

static gboolean
parse_unicode_escape (JsonParse *parse, GString *out)
{
  const char *start = parse->at - 2;
  gunichar unit, low;

  if (!parse_hex (parse, &unit))
    return parse_fail (parse, _ ("four hexadecimal digits are expected after \\u")) != NULL;
  if (unit >= 0xd800 && unit < 0xdc00 && parse->end - parse->at >= 6 && parse->at[0] == '\\' && parse->at[1] == 'u')
    {
      parse->at += 2;
      if (!parse_hex (parse, &low))
        return parse_fail (parse, _ ("four hexadecimal digits are expected after \\u")) != NULL;
      unit = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit;
    }
  if (unit >= 0xd800 && unit < 0xe000)
    return parse_fail_at (parse, start, _ ("one half of a surrogate pair: write both halves as \\uXXXX")) != NULL;
  if (unit == 0)
    return parse_fail_at (parse, start, _ ("text cannot contain the character U+0000")) != NULL;
  g_string_append_unichar (out, unit);
  return TRUE;
}

static gboolean
parse_escape (JsonParse *parse, GString *out)
{
  static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char *found = parse->at < parse->end ? strchr (letters, *parse->at) : NULL;

  if (parse_take (parse, 'u'))
    return parse_unicode_escape (parse, out);
  if (found == NULL)
    return parse_fail (parse, _ ("unknown escape sequence")) != NULL;
  g_string_append_c (out, values[found - letters]);
  parse->at++;
  return TRUE;
}

/* The contents of the string that begins here; (transfer full). */
static char *
parse_string (JsonParse *parse)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (!parse_take (parse, '"'))
    return parse_fail (parse, _ ("a name in double quotes is expected"));
  while (!parse_take (parse, '"'))
    {
      if (parse->at == parse->end || (guchar) *parse->at < 0x20)
        return parse_fail (parse, _ ("control characters in strings must be escaped"));
      if (!parse_take (parse, '\\'))
        g_string_append_c (out, *parse->at++);
      else if (!parse_escape (parse, out))
        return NULL;
    }
  return g_strdup (out->str);
}

/* --- values --- */

/* @open: the value that has just begun. FALSE: it is nested too deep. */
static gboolean
parse_enter (JsonParse *parse)
{
  if (++parse->depth <= CTL_JSON_NESTED_MAX)
    return TRUE;
  parse_fail_at (parse, parse->at - 1, _ ("values are nested too deep"));
  return FALSE;
}

/* Reads the comma or closing bracket after an element or member. @more: (out): it was a comma. FALSE: see the error. */
static gboolean
parse_more (JsonParse *parse, char close, gboolean *more)
{
  parse_skip_space (parse);
  *more = parse_take (parse, ',');
  if (*more || parse_take (parse, close))
    return TRUE;
  return parse_fail (parse, close == ']' ? _ ("a comma or ] is expected") : _ ("a comma or } is expected")) != NULL;
}

static CtlJsonValue *
parse_array (JsonParse *parse)
{
  g_autoptr (CtlJsonValue) array = ctl_json_value_new (CTL_JSON_ARRAY);
  gboolean more;

  parse->at++;
  if (!parse_enter (parse))
    return NULL;
  parse_skip_space (parse);
  more = !parse_take (parse, ']');
  while (more)
    {
      CtlJsonValue *element = parse_value (parse);

      if (element == NULL)
        return NULL;
      g_ptr_array_add (array->items, element);
      if (!parse_more (parse, ']', &more))
        return NULL;
    }
  parse->depth--;
  return g_steal_pointer (&array);
}

/* Reads a member and adds its name to @names. A name that occurs twice is an error. */
static gboolean
parse_member (JsonParse *parse, CtlJsonValue *object, GHashTable *names)
{
  const char *start;
  char *name;
  CtlJsonValue *value;

  parse_skip_space (parse);
  start = parse->at;
  name = parse_string (parse);
  if (name == NULL)
    return FALSE;
  g_ptr_array_add (object->names, name);
  if (!g_hash_table_add (names, name))
    {
      g_autofree char *problem = g_strdup_printf (_ ("the name \"%s\" occurs twice in an object"), name);

      return parse_fail_at (parse, start, problem) != NULL;
    }
  parse_skip_space (parse);
  if (!parse_take (parse, ':'))
    return parse_fail (parse, _ ("a colon is expected")) != NULL;
  value = parse_value (parse);
  if (value == NULL)
    return FALSE;
  g_ptr_array_add (object->items, value);
  return TRUE;
}

static CtlJsonValue *
parse_object (JsonParse *parse)
{
  g_autoptr (CtlJsonValue) object = ctl_json_value_new (CTL_JSON_OBJECT);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean more;

  parse->at++;
  if (!parse_enter (parse))
    return NULL;
  parse_skip_space (parse);
  more = !parse_take (parse, '}');
  while (more)
    if (!parse_member (parse, object, names) || !parse_more (parse, '}', &more))
      return NULL;
  parse->depth--;
  return g_steal_pointer (&object);
}

static CtlJsonValue *
parse_number (JsonParse *parse)
{
  gsize len = ctl_json_number_length (parse->at, (gsize) (parse->end - parse->at));
  const char *start = parse->at;

  if (len == 0)
    return parse_fail (parse, _ ("not a JSON number: write it as -1, 0.5 or 1e-3, for example"));
  parse->at += len;
  return ctl_json_value_new_text (CTL_JSON_NUMBER, g_strndup (start, len));
}

static CtlJsonValue *
parse_word (JsonParse *parse)
{
  static const struct
  {
    const char *word;
    CtlJsonKind kind;
  } rows[] = { { "null", CTL_JSON_NULL }, { "false", CTL_JSON_FALSE }, { "true", CTL_JSON_TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gsize len = strlen (rows[i].word);

      if ((gsize) (parse->end - parse->at) < len || memcmp (parse->at, rows[i].word, len) != 0)
        continue;
      parse->at += len;
      return ctl_json_value_new (rows[i].kind);
    }
  return parse_fail (parse,
                     _ ("a value is expected: an object, a list, a string in double quotes, a number, true, false "
                        "or null"));
}

static CtlJsonValue *
parse_text (JsonParse *parse)
{
  char *text = parse_string (parse);

  return text != NULL ? ctl_json_value_new_text (CTL_JSON_STRING, text) : NULL;
}

static CtlJsonValue *
parse_value (JsonParse *parse)
{
  parse_skip_space (parse);
  if (parse_is_at (parse, '{'))
    return parse_object (parse);
  if (parse_is_at (parse, '['))
    return parse_array (parse);
  if (parse_is_at (parse, '"'))
    return parse_text (parse);
  if (parse->at < parse->end && (*parse->at == '-' || g_ascii_isdigit (*parse->at)))
    return parse_number (parse);
  return parse_word (parse);
}

CtlJsonValue *
ctl_json_parse (const char *text, gsize len, GError **error)
{
  JsonParse parse = { .text = text, .at = text, .end = text + len, .error = error };
  g_autoptr (CtlJsonValue) value = NULL;
  const char *invalid;

  if (!g_utf8_validate_len (text, len, &invalid))
    return parse_fail_at (&parse, invalid, _ ("not UTF-8"));
  value = parse_value (&parse);
  if (value == NULL)
    return NULL;
  parse_skip_space (&parse);
  if (parse.at < parse.end)
    return parse_fail (&parse, _ ("more text follows the value"));
  return g_steal_pointer (&value);
}

/* NOLINTEND(misc-no-recursion) */
