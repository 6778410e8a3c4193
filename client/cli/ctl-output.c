/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-output.h"

#include "ctl-console.h"
#include "ctl-json-text.h"
#include "terminal-text.h"
#include "platform-console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

/* --- destination --- */

static guint
output_terminal_width (void)
{
  const char *columns = g_getenv ("COLUMNS");
  guint shown = ctl_console_columns ();
  guint64 asked;

  if (columns != NULL && g_ascii_string_to_unsigned (columns, 10, 20, 10000, &asked, NULL))
    return (guint) asked;
  return shown >= 20 ? shown : 80;
}

void
ctl_output_init (CtlOutput *output, gboolean json)
{
  const char *no_color = g_getenv ("NO_COLOR");
  gboolean terminal = platform_console_is_terminal ();

  *output = (CtlOutput){ .json = json,
                         .colour = terminal && !json && (no_color == NULL || *no_color == '\0'),
                         .width = terminal ? output_terminal_width () : 0 };
}

static void
output_write_failed (CtlOutput *output)
{
  if (errno == EPIPE || errno == EINTR) /* EINTR: the write blocked and a stop was requested */
    output->gone = TRUE;
  else
    output->failed = errno;
}

void
ctl_output_bytes (CtlOutput *output, gconstpointer data, gsize len)
{
  if (!output->gone && output->failed == 0 && len > 0 && fwrite (data, 1, len, stdout) != len)
    output_write_failed (output);
}

void
ctl_output_flush (CtlOutput *output)
{
  if (!output->gone && output->failed == 0 && fflush (stdout) != 0)
    output_write_failed (output);
}

static void
output_text (CtlOutput *output, const char *text)
{
  ctl_output_bytes (output, text, strlen (text));
}

/* --- text --- */

void
ctl_output_line (CtlOutput *output, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  output_text (output, text);
  output_text (output, "\n");
}

void
ctl_output_title (CtlOutput *output, const char *text)
{
  ctl_output_line (output, "%s%s%s", output->colour ? BOLD : "", text, output->colour ? PLAIN : "");
}

void
ctl_output_field (CtlOutput *output, const char *label, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *safe = NULL;
  g_autoptr (GString) line = g_string_new (label);
  guint width = terminal_text_columns (label);
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  safe = terminal_text_safe (text);
  terminal_text_pad (line, width < 14 ? 14 - width : 1);
  g_string_append (line, safe);
  ctl_output_line (output, "%s", line->str);
}

/* --- JSON and XML --- */

static char *
output_json_text (JsonNode *node, gboolean pretty)
{
  g_autofree char *text = ctl_json_text (node, pretty);

  return terminal_text_escape_json (text);
}

void
ctl_output_xml (CtlOutput *output, const char *text)
{
  g_autofree char *safe = terminal_text_escape_xml (text);

  output_text (output, safe);
}

void
ctl_output_json (CtlOutput *output, JsonNode *node)
{
  g_autofree char *text = output_json_text (node, FALSE);

  ctl_output_line (output, "%s", text);
}

void
ctl_output_json_object (CtlOutput *output, JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_alloc ();

  json_node_init_object (node, object);
  json_object_unref (object);
  ctl_output_json (output, node);
}

void
ctl_output_json_pretty (CtlOutput *output, JsonNode *node)
{
  g_autofree char *text = NULL;

  if (output->json || output->width == 0)
    {
      ctl_output_json (output, node);
      return;
    }
  text = output_json_text (node, TRUE);
  ctl_output_line (output, "%s", text);
}
