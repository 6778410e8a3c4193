/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-reader.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#define SHOWN_MAX 60 /* bytes of a value in an error */
#define NAMES_MAX 40 /* names of fields or values in an error */

gboolean
ctl_json_fail (CtlJsonReader *reader, const char *problem)
{
  g_set_error (reader->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s%s%s", reader->path->str,
               reader->path->len > 0 ? ": " : "", problem);
  return FALSE;
}

/* A string is quoted, and a long text is cut. */
static char *
reader_show_text (const CtlJsonValue *value)
{
  const char *quote = value->kind == CTL_JSON_STRING ? "\"" : "";
  g_autofree char *text = g_strconcat (quote, value->text, quote, NULL);
  const char *end;

  if (strlen (text) <= SHOWN_MAX)
    return g_steal_pointer (&text);
  end = g_utf8_find_prev_char (text, text + SHOWN_MAX);
  return g_strdup_printf ("%.*s...", end != NULL ? (int) (end - text) : 0, text);
}

static char *
reader_show_value (const CtlJsonValue *value)
{
  switch (value->kind)
    {
    case CTL_JSON_NULL:
      return g_strdup ("null");
    case CTL_JSON_FALSE:
      return g_strdup ("false");
    case CTL_JSON_TRUE:
      return g_strdup ("true");
    case CTL_JSON_ARRAY:
      return g_strdup (_ ("a list"));
    case CTL_JSON_OBJECT:
      return g_strdup (_ ("an object"));
    case CTL_JSON_NUMBER:
    case CTL_JSON_STRING:
    default:
      return reader_show_text (value);
    }
}

gboolean
ctl_json_expected (CtlJsonReader *reader, const char *what, const CtlJsonValue *found)
{
  g_autofree char *value = reader_show_value (found);
  g_autofree char *problem = g_strdup_printf (_ ("expected %s, not %s"), what, value);

  return ctl_json_fail (reader, problem);
}

void
ctl_json_add_name (GString *names, guint place, const char *name)
{
  if (place == NAMES_MAX)
    g_string_append (names, ", ...");
  if (place < NAMES_MAX)
    g_string_append_printf (names, "%s%s", place > 0 ? ", " : "", name);
}
