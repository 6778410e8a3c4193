/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-result.h"

#include "ctl-catalog.h"
#include "ctl-json.h"
#include "ctl-payload.h"
#include "ctl-task-words.h"

JsonNode *
ctl_result_decode (Ctl *ctl, GBytes *payload, const char *type_name, const char *holder)
{
  const ProtobufCMessageDescriptor *type = type_name != NULL && *type_name != '\0' && holder != NULL && *holder != '\0'
                                               ? ctl_catalog_type (ctl, type_name, holder, NULL)
                                               : NULL;

  return type != NULL ? ctl_json_from_payload (type, payload, NULL) : NULL;
}

void
ctl_result_set_payload (JsonObject *object, GBytes *payload, const char *type_name, JsonNode *decoded)
{
  gsize len;
  const guchar *bytes = g_bytes_get_data (payload, &len);
  g_autofree char *base64 = decoded == NULL ? g_base64_encode (len > 0 ? bytes : (const guchar *) "", len) : NULL;

  if (type_name != NULL && *type_name != '\0')
    json_object_set_string_member (object, "type", type_name);
  if (decoded != NULL)
    json_object_set_member (object, "payload", json_node_copy (decoded));
  else
    json_object_set_string_member (object, "payload_base64", base64);
}

static void
result_show_object (Ctl *ctl, const char *id, GBytes *payload, const char *type_name, JsonNode *decoded)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "id", id);
  json_object_set_string_member (object, "state", ctl_words_json_state (DEYE_BUS_TASK_STATE_SUCCEEDED));
  ctl_result_set_payload (object, payload, type_name, decoded);
  ctl_output_json_object (&ctl->output, object);
}

static void
result_show_text (Ctl *ctl, GBytes *payload)
{
  g_autofree char *shown = ctl_payload_preview (payload);

  if (*shown != '\0')
    ctl_output_line (&ctl->output, "%s", shown);
}

void
ctl_result_show (Ctl *ctl, const char *id, GBytes *payload, const char *type_name, const char *holder)
{
  g_autoptr (JsonNode) decoded = NULL;
  gsize len;
  gconstpointer data = g_bytes_get_data (payload, &len);

  if (ctl->options.raw)
    {
      ctl_output_bytes (&ctl->output, data, len);
      return;
    }
  decoded = ctl_result_decode (ctl, payload, type_name, holder);
  if (ctl->output.json)
    result_show_object (ctl, id, payload, type_name, decoded);
  else if (decoded != NULL)
    ctl_output_json_pretty (&ctl->output, decoded);
  else
    result_show_text (ctl, payload);
}
