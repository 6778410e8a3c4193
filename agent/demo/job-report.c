/* SPDX-License-Identifier: Apache-2.0 */
#include "job-report.h"

#include "platform-console.h"

void
job_report_init (JobReport *report, gboolean json)
{
  const char *no_color = g_getenv ("NO_COLOR");

  *report = (JobReport){ .json = json,
                         .colour = !json && platform_console_is_terminal () && (no_color == NULL || *no_color == '\0'),
                         .utf8 = g_get_charset (NULL) };
}

static const char *
report_mark (const JobReport *report, gboolean ok)
{
  static const char *const marks[2][2][2] = {
    { { "FAIL", "ok  " }, { "\033[31mFAIL\033[0m", "\033[32mok\033[0m  " } },
    { { "✗", "✓" }, { "\033[31m✗\033[0m", "\033[32m✓\033[0m" } },
  };

  return marks[report->utf8 ? 1 : 0][report->colour ? 1 : 0][ok ? 1 : 0];
}

static void
report_print_json (const char *step, gboolean ok, JsonObject *facts, const char *text)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *line = NULL;

  json_object_set_string_member (facts, "step", step);
  json_object_set_boolean_member (facts, "ok", ok);
  json_object_set_string_member (facts, "text", text);
  json_node_take_object (root, json_object_ref (facts));
  line = json_to_string (root, FALSE);
  g_print ("%s\n", line);
}

void
job_report_step (JobReport *report, const char *step, gboolean ok, JsonObject *facts, const char *format, ...)
{
  g_autoptr (JsonObject) owned = facts != NULL ? facts : json_object_new ();
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (!ok)
    report->failed++;
  if (report->json)
    report_print_json (step, ok, owned, text);
  else
    g_print (" %s %-11s %s\n", report_mark (report, ok), step, text);
}

void
job_report_detail (JobReport *report, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (report->json)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("     %s\n", text);
}
