/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-payload.h"

#include "ctl-console.h"
#include "ctl-json.h"
#include "ctl-text.h"

#include <glib/gi18n.h>

#define PAYLOAD_MAX   (16u * 1024u * 1024u) /* no broker accepts more */
#define PREVIEW_BYTES 32u

static GBytes *
payload_read_stdin (GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 block[4096];
  g_autoptr (GError) local = NULL;
  gssize n;

  while ((n = ctl_console_read (block, sizeof block, &local)) > 0 && all->len <= PAYLOAD_MAX)
    g_byte_array_append (all, block, (guint) n);
  if (n < 0)
    {
      ctl_fail (error, CTL_EXIT_FAILED, _ ("Standard input can't be read: %s"), local->message);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static GBytes *
payload_read_file (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  return file != NULL ? g_mapped_file_get_bytes (file) : NULL;
}

GBytes *
ctl_payload_read (const char *argument, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (argument == NULL)
    return g_bytes_new (NULL, 0);
  if (g_str_equal (argument, "-"))
    bytes = payload_read_stdin (error);
  else if (*argument == '@')
    bytes = payload_read_file (argument + 1, error);
  else
    bytes = g_bytes_new (argument, strlen (argument));
  if (bytes != NULL && g_bytes_get_size (bytes) > PAYLOAD_MAX)
    {
      ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload has more than %u bytes: split it"), PAYLOAD_MAX);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

GBytes *
ctl_payload_encode (const char *argument, const ProtobufCMessageDescriptor *type, GError **error)
{
  g_autoptr (GBytes) bytes = ctl_payload_read (argument, error);
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) payload = NULL;
  gsize len;
  const char *text;

  if (bytes == NULL || type == NULL)
    return g_steal_pointer (&bytes);
  text = g_bytes_get_data (bytes, &len);
  parser = json_parser_new_immutable ();
  if (len > 0 && !json_parser_load_from_data (parser, text, (gssize) len, &local))
    {
      ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload is not JSON: %s; use --raw to send it as it is"),
                local->message);
      return NULL;
    }
  payload = ctl_json_to_payload (type, len > 0 ? json_parser_get_root (parser) : NULL, &local);
  if (payload == NULL)
    ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload is not a %s: %s"), type->name, local->message);
  return g_steal_pointer (&payload);
}

char *
ctl_payload_preview (GBytes *payload)
{
  gsize len;
  const guint8 *bytes = g_bytes_get_data (payload, &len);
  g_autoptr (GString) shown = NULL;

  if (len == 0)
    return g_strdup ("");
  if (g_utf8_validate ((const char *) bytes, (gssize) len, NULL))
    {
      g_autofree char *text = g_strndup ((const char *) bytes, len);

      return ctl_text_safe (text);
    }
  shown = g_string_new (NULL);
  g_string_append_printf (shown, ngettext ("%zu byte:", "%zu bytes:", (gulong) len), len);
  for (gsize i = 0; i < MIN (len, PREVIEW_BYTES); i++)
    g_string_append_printf (shown, " %02x", bytes[i]);
  if (len > PREVIEW_BYTES)
    g_string_append (shown, " ...");
  return g_strdup (shown->str);
}
