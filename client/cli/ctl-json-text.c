/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-text.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define INDENT 2u

/* A tree is built by this tool, from messages whose depth is bounded. */
/* NOLINTBEGIN(misc-no-recursion) */

typedef struct
{
  GString *out;
  gboolean pretty;
  guint depth;
} JsonText;

static void json_text_node (JsonText *text, JsonNode *node);

const char *
ctl_json_real_text (double value, char *text)
{
  if (isnan (value))
    return strcpy (text, "\"NaN\"");
  if (isinf (value))
    return strcpy (text, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  /* Fifteen digits are enough for each number that was written with at most fifteen, and avoid tails such as ...0000001.
   * Subnormal numbers are less precise, so fewer digits may be enough. */
  for (int n = fabs (value) < DBL_MIN ? 1 : 15; n <= 17; n++)
    {
      const char format[] = { '%', '.', (char) ('0' + n / 10), (char) ('0' + n % 10), 'g', '\0' };

      g_ascii_formatd (text, CTL_JSON_REAL_SIZE, format, value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  if (strpbrk (text, ".e") == NULL)
    strcat (text, ".0");
  return text;
}

static void
json_text_string (JsonText *text, const char *value)
{
  static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  g_string_append_c (text->out, '"');
  for (const char *at = valid; *at != '\0'; at++)
    {
      const char *found = strchr (shorts, *at);

      if (found != NULL)
        g_string_append_printf (text->out, "\\%c", letters[found - shorts]);
      else if ((guchar) *at < 0x20 || *at == 0x7f)
        g_string_append_printf (text->out, "\\u%04x", (guint) (guchar) *at);
      else
        g_string_append_c (text->out, *at);
    }
  g_string_append_c (text->out, '"');
}

static void
json_text_break (JsonText *text)
{
  if (!text->pretty)
    return;
  g_string_append_c (text->out, '\n');
  for (guint i = 0; i < text->depth * INDENT; i++)
    g_string_append_c (text->out, ' ');
}

static void
json_text_open (JsonText *text, char bracket)
{
  g_string_append_c (text->out, bracket);
  text->depth++;
}

/* @n: the number of elements. */
static void
json_text_close (JsonText *text, char bracket, guint n)
{
  text->depth--;
  if (n > 0)
    json_text_break (text);
  g_string_append_c (text->out, bracket);
}

static void
json_text_next (JsonText *text, guint place)
{
  if (place > 0)
    g_string_append_c (text->out, ',');
  json_text_break (text);
}

static void
json_text_array (JsonText *text, JsonArray *array)
{
  guint n = json_array_get_length (array);

  json_text_open (text, '[');
  for (guint i = 0; i < n; i++)
    {
      json_text_next (text, i);
      json_text_node (text, json_array_get_element (array, i));
    }
  json_text_close (text, ']', n);
}

static void
json_text_object (JsonText *text, JsonObject *object)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;
  guint n = 0;

  json_text_open (text, '{');
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      json_text_next (text, n++);
      json_text_string (text, name);
      g_string_append (text->out, text->pretty ? ": " : ":");
      json_text_node (text, value);
    }
  json_text_close (text, '}', n);
}

static void
json_text_scalar (JsonText *text, JsonNode *node)
{
  char real[CTL_JSON_REAL_SIZE];

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      g_string_append_printf (text->out, "%" G_GINT64_FORMAT, json_node_get_int (node));
      break;
    case G_TYPE_DOUBLE:
      g_string_append (text->out, ctl_json_real_text (json_node_get_double (node), real));
      break;
    case G_TYPE_BOOLEAN:
      g_string_append (text->out, json_node_get_boolean (node) ? "true" : "false");
      break;
    case G_TYPE_STRING:
      json_text_string (text, json_node_get_string (node));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
json_text_node (JsonText *text, JsonNode *node)
{
  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      json_text_object (text, json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      json_text_array (text, json_node_get_array (node));
      break;
    case JSON_NODE_VALUE:
      json_text_scalar (text, node);
      break;
    case JSON_NODE_NULL:
      g_string_append (text->out, "null");
      break;
    }
}

char *
ctl_json_text (JsonNode *node, gboolean pretty)
{
  JsonText text = { .out = g_string_new (NULL), .pretty = pretty };

  json_text_node (&text, node);
  return g_string_free (text.out, FALSE);
}

/* NOLINTEND(misc-no-recursion) */
