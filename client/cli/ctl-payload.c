/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-payload.h"

#include "ctl-json-parse.h"
#include "ctl-json.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

#define PREVIEW_BYTES 32u

GBytes *
ctl_payload_encode (GBytes *bytes, const ProtobufCMessageDescriptor *type, GError **error)
{
  g_autoptr (CtlJsonValue) value = NULL;
  g_autoptr (GError) local = NULL;
  GBytes *payload;
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);

  if (type == NULL)
    return g_bytes_ref (bytes);
  value = ctl_json_parse (len > 0 ? text : "", len, &local);
  if (value == NULL)
    {
      ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload is not JSON: %s; use --raw to send it as it is"),
                local->message);
      return NULL;
    }
  payload = ctl_json_to_payload (type, value, &local);
  if (payload == NULL)
    ctl_fail (error, CTL_EXIT_USAGE, _ ("The payload is not a %s: %s"), type->name, local->message);
  return payload;
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

      return terminal_text_safe (text);
    }
  shown = g_string_new (NULL);
  g_string_append_printf (shown, ngettext ("%zu byte:", "%zu bytes:", (gulong) len), len);
  for (gsize i = 0; i < MIN (len, PREVIEW_BYTES); i++)
    g_string_append_printf (shown, " %02x", bytes[i]);
  if (len > PREVIEW_BYTES)
    g_string_append (shown, " ...");
  return g_strdup (shown->str);
}
