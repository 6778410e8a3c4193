/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-message-view.h"

#include "ctl-catalog.h"
#include "ctl-hops.h"
#include "ctl-json-text.h"
#include "ctl-json.h"
#include "ctl-payload.h"
#include "ctl-stats.h"
#include "terminal-text.h"
#include "ctl-units.h"
#include "wire-status.h"
#include "wire-varint.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

static void
message_add_text (JsonObject *object, const char *name, const char *value)
{
  if (value != NULL && *value != '\0')
    json_object_set_string_member (object, name, value);
}

static void
message_add_headers (JsonObject *object, DeyeBusMessage *message)
{
  g_auto (GStrv) tags = deye_bus_message_dup_tags (message);
  g_autofree char *traceparent = deye_bus_message_dup_traceparent (message);

  message_add_text (object, "content_type", deye_bus_message_get_content_type (message));
  message_add_text (object, "correlation_id", deye_bus_message_get_correlation_id (message));
  message_add_text (object, "parent_id", deye_bus_message_get_parent_id (message));
  message_add_text (object, "root_id", deye_bus_message_get_root_id (message));
  message_add_text (object, "stage", deye_bus_message_get_stage (message));
  message_add_text (object, "traceparent", traceparent);
  if (deye_bus_message_get_depth (message) > 0)
    json_object_set_int_member (object, "depth", deye_bus_message_get_depth (message));
  if (deye_bus_message_get_incarnation (message) != 0)
    json_object_set_boolean_member (object, "last", TRUE);
  if (deye_bus_message_is_retained (message))
    json_object_set_boolean_member (object, "retained", TRUE);
  if (deye_bus_message_get_priority (message) > 0)
    json_object_set_int_member (object, "priority", deye_bus_message_get_priority (message));
  if (deye_bus_message_get_sequence_number (message) > 0)
    ctl_json_set_counter (object, "sequence_number", deye_bus_message_get_sequence_number (message));
  ctl_hops_add (object, message);
  for (char **tag = tags; *tag != NULL; tag++)
    {
      g_autofree char *name = g_strndup (*tag, strcspn (*tag, "="));
      g_autofree char *key = g_strconcat ("tag.", name, NULL);

      message_add_text (object, key, strchr (*tag, '=') != NULL ? strchr (*tag, '=') + 1 : "");
    }
}

static void
message_show_json (Ctl *ctl, DeyeBusMessage *message, JsonNode *decoded, GBytes *payload)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "topic", deye_bus_message_get_topic (message));
  json_object_set_string_member (object, "sender", deye_bus_message_get_sender (message));
  ctl_json_set_counter (object, "sequence", deye_bus_message_get_sequence (message));
  json_object_set_int_member (object, "time_us", deye_bus_message_get_accept_time (message));
  message_add_text (object, "type", deye_bus_message_get_type_name (message));
  message_add_headers (object, message);
  if (decoded != NULL)
    json_object_set_member (object, "payload", json_node_copy (decoded));
  else
    {
      gsize len;
      const guchar *bytes = g_bytes_get_data (payload, &len);
      g_autofree char *base64 = g_base64_encode (len > 0 ? bytes : (const guchar *) "", len);

      json_object_set_string_member (object, "payload_base64", base64);
    }
  ctl_output_json_object (&ctl->output, object);
}

static void
message_show_headers (Ctl *ctl, DeyeBusMessage *message)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GList) names = NULL;

  message_add_text (object, "type", deye_bus_message_get_type_name (message));
  ctl_json_set_counter (object, "sequence", deye_bus_message_get_sequence (message));
  message_add_headers (object, message);
  names = json_object_get_members (object);
  for (GList *link = names; link != NULL; link = link->next)
    {
      g_autofree char *name = terminal_text_safe (link->data);
      JsonNode *value = json_object_get_member (object, link->data);
      g_autofree char *text = json_node_get_value_type (value) == G_TYPE_STRING
                                  ? terminal_text_safe (json_node_get_string (value))
                                  : g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (value));

      ctl_output_line (&ctl->output, "    %s: %s", name, text);
    }
}

static void
message_show_text (Ctl *ctl, DeyeBusMessage *message, JsonNode *decoded, GBytes *payload)
{
  CtlOutput *output = &ctl->output;
  g_autofree char *moment = ctl_moment ((guint64) deye_bus_message_get_accept_time (message), TRUE);
  g_autofree char *body = decoded != NULL ? ctl_json_text (decoded, FALSE) : ctl_payload_preview (payload);
  g_autofree char *safe = terminal_text_safe (body);

  ctl_output_line (output, "%s%s%s  %s  %s", ctl->options.timestamp ? moment : "", ctl->options.timestamp ? "  " : "",
                   deye_bus_message_get_topic (message), deye_bus_message_get_sender (message), safe);
  if (ctl->options.headers)
    message_show_headers (ctl, message);
}

/* Without framing the payload alone is written, byte for byte. */
static void
message_show_raw (Ctl *ctl, GBytes *payload)
{
  gsize len;
  gconstpointer data = g_bytes_get_data (payload, &len);
  CtlFraming framing = ctl->options.framing;
  guint8 varint[10];

  if (framing == CTL_FRAMING_LENGTH)
    ctl_output_bytes (&ctl->output, varint, (gsize) (wire_varint_put (varint, len) - varint));
  ctl_output_bytes (&ctl->output, data, len);
  if (framing == CTL_FRAMING_NEWLINE)
    ctl_output_bytes (&ctl->output, "\n", 1);
  if (framing == CTL_FRAMING_NUL)
    ctl_output_bytes (&ctl->output, "", 1);
}

void
ctl_message_view_show (Ctl *ctl, DeyeBusMessage *message)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);
  g_autoptr (JsonNode) decoded = NULL;

  if (ctl->options.raw)
    message_show_raw (ctl, payload);
  else
    {
      decoded = ctl_catalog_decode (ctl, message);
      if (ctl->output.json)
        message_show_json (ctl, message, decoded, payload);
      else
        message_show_text (ctl, message, decoded, payload);
    }
  ctl_output_flush (&ctl->output);
}

void
ctl_message_view_show_gap (Ctl *ctl, const CtlGap *gap)
{
  JsonObject *object;

  if (!ctl->output.json || ctl->options.raw)
    {
      g_printerr (_ ("deyebusctl: missed here: %" PRIu64 ", sequence %" PRIu64 " to %" PRIu64 ": %s (%s)\n"),
                  gap->missed, gap->from, gap->to, ctl_missed_sentence (gap->reason), wire_status_name (gap->reason));
      return;
    }
  object = json_object_new ();
  ctl_json_set_counter (object, "missed", gap->missed);
  ctl_json_set_counter (object, "from", gap->from);
  ctl_json_set_counter (object, "to", gap->to);
  json_object_set_int_member (object, "reason", gap->reason);
  json_object_set_string_member (object, "reason_name", wire_status_name (gap->reason));
  ctl_output_json_object (&ctl->output, object);
  ctl_output_flush (&ctl->output);
}
