/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-text.h"
#include "ctl-units.h"

/* Tests of text for a terminal (escaping, width, cutting) and of sizes and times as people read them. */

static void
test_safe (void)
{
  static const struct
  {
    const char *text, *want;
  } rows[] = {
    { NULL, "" },
    { "", "" },
    { "plain \xc3\xa4 \xe4\xb8\xad", "plain \xc3\xa4 \xe4\xb8\xad" },
    { "\x1b[31mred\n", "\\x1b[31mred\\x0a" },
    { "\x7f", "\\x7f" },
    { "\xff\xc3", "\\xff\\xc3" },
    { "\xc2\x9b", "\\x9b" },         /* a control sequence in one character */
    { "\xe2\x80\xae", "\\u{202e}" }, /* reverses the direction of writing */
    { "\xee\x80\x80", "\\u{e000}" }, /* private use */
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *got = ctl_text_safe (rows[i].text);

      g_assert_cmpstr (got, ==, rows[i].want);
    }
}

/* Documents keep their line ends; everything else is escaped as their format does it. */
static void
test_escape (void)
{
  g_autofree char *json = ctl_text_escape_json ("{\n\"a\": \"\xe2\x80\xae\xf3\xa0\x80\x81\"}");
  g_autofree char *xml = ctl_text_escape_xml ("<a>\n\xe2\x80\xae</a>");

  g_assert_cmpstr (json, ==, "{\n\"a\": \"\\u202e\\udb40\\udc01\"}");
  g_assert_cmpstr (xml, ==, "<a>\n&#x202e;</a>");
}

static void
test_columns (void)
{
  static const struct
  {
    const char *text;
    guint columns;
  } rows[] = {
    { "", 0 },          { "abc", 3 }, { "\xc3\xa4", 1 }, { "\xe4\xb8\xad", 2 }, /* wide */
    { "a\xcc\x88", 1 },                                                         /* a combining mark */
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpuint (ctl_text_columns (rows[i].text), ==, rows[i].columns);
}

static void
test_cut (void)
{
  static const char wide[]
      = "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"; /* two columns each */
  static const char *const texts[] = { "short", "exactly-10", "longer than ten", wide };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *cut = ctl_text_cut (texts[i], 10);

      g_assert_cmpuint (ctl_text_columns (cut), <=, 10);
      g_assert_true (g_utf8_validate (cut, -1, NULL));
      g_assert_cmpint (g_strcmp0 (cut, texts[i]) == 0, ==, ctl_text_columns (texts[i]) <= 10);
    }
}

static void
test_units (void)
{
  static const struct
  {
    guint64 bytes;
    const char *want;
  } sizes[] = { { 0, "0" },          { 1023, "1023" },    { 1024, "1.0K" },      { 10240, "10K" },
                { 3565158, "3.4M" }, { 67108864, "64M" }, { G_MAXUINT64, "16E" } };
  static const struct
  {
    guint64 us;
    const char *want;
  } times[] = { { 0, "0.0 s" },
                { 800000, "0.8 s" },
                { 60 * (guint64) G_TIME_SPAN_SECOND, "1 min 0 s" },
                { 3725 * (guint64) G_TIME_SPAN_SECOND, "1 h 2 min" },
                { 90000 * (guint64) G_TIME_SPAN_SECOND, "1 d 1 h" } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *got = ctl_bytes (sizes[i].bytes);

      g_assert_cmpstr (got, ==, sizes[i].want);
    }
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autofree char *got = ctl_duration (times[i].us);

      g_assert_cmpstr (got, ==, times[i].want);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/text/safe", test_safe);
  g_test_add_func ("/cli/text/escape", test_escape);
  g_test_add_func ("/cli/text/columns", test_columns);
  g_test_add_func ("/cli/text/cut", test_cut);
  g_test_add_func ("/cli/units", test_units);
  return g_test_run ();
}
