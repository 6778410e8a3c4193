/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal-text.h"

/* Text for a terminal: escaping, width, cutting. */

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
      g_autofree char *got = terminal_text_safe (rows[i].text);

      g_assert_cmpstr (got, ==, rows[i].want);
    }
}

/* Documents keep their line ends; everything else is escaped as their format does it. */
static void
test_escape (void)
{
  g_autofree char *json = terminal_text_escape_json ("{\n\"a\": \"\xe2\x80\xae\xf3\xa0\x80\x81\"}");
  g_autofree char *xml = terminal_text_escape_xml ("<a>\n\xe2\x80\xae</a>");

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
    g_assert_cmpuint (terminal_text_columns (rows[i].text), ==, rows[i].columns);
}

static void
test_cut (void)
{
  static const char wide[]
      = "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"; /* two columns each */
  static const char *const texts[] = { "short", "exactly-10", "longer than ten", wide };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *cut = terminal_text_cut (texts[i], 10);

      g_assert_cmpuint (terminal_text_columns (cut), <=, 10);
      g_assert_true (g_utf8_validate (cut, -1, NULL));
      g_assert_cmpint (g_strcmp0 (cut, texts[i]) == 0, ==, terminal_text_columns (texts[i]) <= 10);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/terminal/text/safe", test_safe);
  g_test_add_func ("/terminal/text/escape", test_escape);
  g_test_add_func ("/terminal/text/columns", test_columns);
  g_test_add_func ("/terminal/text/cut", test_cut);
  return g_test_run ();
}
