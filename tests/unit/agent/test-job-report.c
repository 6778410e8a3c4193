/* SPDX-License-Identifier: Apache-2.0 */
#include "job-report.h"

/* The output of the demonstration: control characters in the texts of peers and processes are never printed, and a line stays
 * one line. */

#define EVIL                                                                                                           \
  "x\x1b]0;owned\x07\x1b[2J\xc2\x9b"                                                                                   \
  "31m\xe2\x80\xae\x7f\ny"
#define SAFE "x\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u{202e}\\x7f\\x0ay"

static GString *printed;

static void
on_print (const char *text)
{
  g_string_append (printed, text);
}

static void
assert_printed (const char *want)
{
  g_assert_cmpstr (printed->str, ==, want);
  g_string_truncate (printed, 0);
}

static void
test_text (void)
{
  JobReport report = { 0 };
  GPrintFunc before = g_set_print_handler (on_print);

  job_report_step (&report, "tasks", TRUE, NULL, "%s", EVIL);
  job_report_detail (&report, "%s", EVIL);
  g_set_print_handler (before);
  assert_printed (" ok   tasks       " SAFE "\n     " SAFE "\n");
}

static void
test_json (void)
{
  JobReport report = { .json = TRUE };
  GPrintFunc before = g_set_print_handler (on_print);

  job_report_step (&report, "tasks", FALSE, NULL, "%s", EVIL);
  job_report_detail (&report, "%s", EVIL);
  g_set_print_handler (before);
  g_assert_cmpuint (report.failed, ==, 1);
  for (const char *at = printed->str; *at != '\0'; at++)
    g_assert_true (*at == '\n' ? at[1] == '\0' : *at >= ' ' && *at <= '~');
  g_assert_nonnull (strstr (printed->str, "\\u009b31m\\u202e"));
  g_string_truncate (printed, 0);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  printed = g_string_new (NULL);
  g_test_add_func ("/agent/report/text", test_text);
  g_test_add_func ("/agent/report/json", test_json);
  status = g_test_run ();
  g_string_free (printed, TRUE);
  return status;
}
