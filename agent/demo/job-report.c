/* SPDX-License-Identifier: Apache-2.0 */
#include "job-report.h"

#include "platform-console.h"
#include "terminal-text.h"

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

void
job_report_object (JsonObject *object)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *line = NULL;
  g_autofree char *safe = NULL;

  json_node_take_object (root, object);
  line = json_to_string (root, FALSE);
  safe = terminal_text_escape_json (line);
  g_print ("%s\n", safe);
}

static void
report_print_json (const char *step, gboolean ok, JsonObject *facts, const char *text)
{
  json_object_set_string_member (facts, "step", step);
  json_object_set_boolean_member (facts, "ok", ok);
  json_object_set_string_member (facts, "text", text);
  job_report_object (json_object_ref (facts));
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
    {
      g_autofree char *safe = terminal_text_safe (text);

      g_print (" %s %-11s %s\n", report_mark (report, ok), step, safe);
    }
}

void
job_report_detail (JobReport *report, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *safe = NULL;
  va_list args;

  if (report->json)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  safe = terminal_text_safe (text);
  g_print ("     %s\n", safe);
}
