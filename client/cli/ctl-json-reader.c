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

static char *
reader_show_node (JsonNode *node)
{
  g_autofree char *text = NULL;
  const char *end;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("null");
  if (JSON_NODE_HOLDS_OBJECT (node))
    return g_strdup (_ ("an object"));
  if (JSON_NODE_HOLDS_ARRAY (node))
    return g_strdup (_ ("a list"));
  text = json_to_string (node, FALSE);
  if (strlen (text) <= SHOWN_MAX)
    return g_steal_pointer (&text);
  end = g_utf8_find_prev_char (text, text + SHOWN_MAX);
  return g_strdup_printf ("%.*s...", end != NULL ? (int) (end - text) : 0, text);
}

gboolean
ctl_json_expected (CtlJsonReader *reader, const char *what, JsonNode *node)
{
  g_autofree char *value = reader_show_node (node);
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
