/* SPDX-License-Identifier: Apache-2.0 */
#include "job-subscriber-report.h"

#include <string.h>

void
job_subscriber_report_add_gap (JsonArray *gaps, guint64 from, guint64 to, guint64 count, guint reason)
{
  JsonObject *gap = json_object_new ();

  json_object_set_int_member (gap, "from", (gint64) from);
  json_object_set_int_member (gap, "to", (gint64) to);
  json_object_set_int_member (gap, "count", (gint64) count);
  json_object_set_int_member (gap, "reason", reason);
  json_array_add_object_element (gaps, gap);
}

static void
report_add_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
}

GBytes *
job_subscriber_report_write (guint64 received, guint64 missed, guint64 out_of_place, JsonArray *gaps)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) list = json_node_init_array (json_node_alloc (), gaps);
  g_autoptr (JsonNode) root = NULL;
  char *text;

  json_builder_begin_object (builder);
  report_add_number (builder, "received", received);
  report_add_number (builder, "missed", missed);
  report_add_number (builder, "out_of_place", out_of_place);
  json_builder_set_member_name (builder, "gaps");
  json_builder_add_value (builder, g_steal_pointer (&list));
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}

static void
report_read_gaps (SubscriberReport *report, JsonArray *gaps)
{
  guint n = json_array_get_length (gaps);

  report->only_dropped = n > 0;
  for (guint i = 0; i < n; i++)
    {
      JsonObject *gap = json_array_get_object_element (gaps, i);

      report->from = i == 0 ? (guint64) json_object_get_int_member (gap, "from") : report->from;
      report->to = (guint64) json_object_get_int_member (gap, "to");
      report->in_gaps += (guint64) json_object_get_int_member (gap, "count");
      report->only_dropped
          = report->only_dropped && json_object_get_int_member (gap, "reason") == DEYE_BUS_ERROR_SLOW_CONSUMER;
    }
}

JsonObject *
job_subscriber_report_read (DeyeBusMessage *message, SubscriberReport *report)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  g_autofree char *text = g_strndup ((const char *) bytes, len);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *object;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return json_object_new ();
  object = json_node_dup_object (root);
  report->received = (guint64) json_object_get_int_member (object, "received");
  report->missed = (guint64) json_object_get_int_member (object, "missed");
  report->out_of_place = (guint64) json_object_get_int_member (object, "out_of_place");
  report_read_gaps (report, json_object_get_array_member (object, "gaps"));
  return object;
}
