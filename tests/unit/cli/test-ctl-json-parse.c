/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-parse.h"

#include <gio/gio.h>
#include <string.h>

/* Tests of the JSON reader: the texts that it accepts, and the values that it returns. */

/* Replaces line ends, because a message of TAP has only one line. */
static void
log_text (const char *json)
{
  g_autofree char *escaped = g_strescape (json, NULL);

  g_test_message ("%.80s", escaped);
}

static void
assert_refused (const char *json, gsize len, const char *problem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtlJsonValue) value = ctl_json_parse (json, len, &error);

  log_text (json);
  g_assert_null (value);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  if (problem != NULL)
    g_assert_cmpstr (error->message, ==, problem);
}

static CtlJsonValue *
parse (const char *json)
{
  g_autoptr (GError) error = NULL;
  CtlJsonValue *value = ctl_json_parse (json, strlen (json), &error);

  log_text (json);
  g_assert_no_error (error);
  return value;
}

static void
test_accepted (void)
{
  static const char *const rows[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e5",
    "1E+5",
    "1e-5",
    "0.0e0",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\"\\u00e4\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\x7f\"",
    "[]",
    "[[]]",
    "{}",
    "{\"\":0}",
    "{\"a\":1,\"b\":{\"a\":2}}",
    " \t\r\n[ 1 , 2 ] \n",
    "[\"a\",null,{\"x\":[true]}]",
    "\"\\ud83d\\ude00\"",
    "\"\xf0\x9f\x98\x80\"",
    "{\"a\":1,\"A\":2}",
    "1e400",
    "-1e-400",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CtlJsonValue) value = parse (rows[i]);

      g_assert_nonnull (value);
    }
}

/* Texts that are not JSON. */
static const char *const refused[] = {
  /* nothing, or only a part */
  "",
  " ",
  "\n",
  "{",
  "[",
  "\"",
  "\"a",
  "{\"a\"",
  "{\"a\":",
  "{\"a\":1",
  "{\"a\":1,",
  "[1",
  "[1,",
  "tru",
  "nul",
  "-",
  /* numbers */
  "010",
  "-010",
  "00",
  "0x10",
  "0X1",
  "1.",
  ".5",
  "+1",
  "-.5",
  "1e",
  "1e+",
  "1.e5",
  "1_000",
  "1,5",
  "NaN",
  "nan",
  "-NaN",
  "Infinity",
  "-Infinity",
  "inf",
  "- 1",
  "1e5.5",
  "0b1",
  "0o7",
  "1f",
  "\xd9\xa1",
  /* strings */
  "'a'",
  "{'a':1}",
  "{a:1}",
  "\"\t\"",
  "\"\n\"",
  "\"\x01\"",
  "\"\\x41\"",
  "\"\\'\"",
  "\"\\u12\"",
  "\"\\u12g4\"",
  "\"\\U0041\"",
  "\"\\ud800\"",
  "\"\\udc00\"",
  "\"\\ud800\\ud800\"",
  "\"\\ud800\\u0041\"",
  "\"\\ud800x\"",
  "\"\\ude00\\ud83d\"",
  "\"\\u0000\"",
  "{\"\\u0000\":1}",
  "\"\xff\"",
  "\"\xc3\"",
  "\"\xed\xa0\x80\"",
  "\"\xc0\x80\"",
  "\"\xf4\x90\x80\x80\"",
  "\xef\xbb\xbf{}",
  "`a`",
  /* structure */
  "[1,]",
  "[,1]",
  "[1 2]",
  "[1;2]",
  "{\"a\":1,}",
  "{,}",
  "{\"a\" 1}",
  "{\"a\"=1}",
  "{1:2}",
  "{null:1}",
  "{\"a\":}",
  "]",
  "}",
  "[}",
  "{]",
  "{[]}",
  "[\"a\":1]",
  "{\"a\",\"b\"}",
  "{\"a\":1 \"b\":2}",
  ":",
  ",",
  /* names that occur twice */
  "{\"a\":1,\"a\":1}",
  "{\"a\":1,\"\\u0061\":1}",
  "[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]",
  /* more than JSON */
  "/* x */{}",
  "{}// x",
  "{/* x */}",
  "# x\n{}",
  "[1]/**/",
  "undefined",
  "True",
  "NULL",
  "None",
  "{} {}",
  "1 2",
  "{}x",
  "\x0b{}",
  "\xc2\xa0{}",
  "{}\x0c",
};

static void
test_refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    assert_refused (refused[i], strlen (refused[i]), NULL);
  assert_refused ("{}\0", 3, NULL);
  assert_refused ("\0{}", 3, NULL);
  assert_refused ("\"a\0b\"", 5, NULL);
}

static void
test_errors_name_the_place (void)
{
  static const struct
  {
    const char *json, *problem;
  } rows[] = {
    { "{\"a\":010}", "line 1, column 6: not a JSON number: write it as -1, 0.5 or 1e-3, for example" },
    { "{\n \"\xc3\xa4\": 'x'}", "line 2, column 7: a value is expected: an object, a list, a string in double quotes, "
                                "a number, true, false or null" },
    { "{\"a\":1,\n \"a\":2}", "line 2, column 2: the name \"a\" occurs twice in an object" },
    { "{\"a\"", "line 1, column 5: the text ends before the value does" },
    { "[\"\\ud800\"]", "line 1, column 3: one half of a surrogate pair: write both halves as \\uXXXX" },
    { "[\"\xff\"]", "line 1, column 3: not UTF-8" },
    { "{} {}", "line 1, column 4: more text follows the value" },
    { "[1", "line 1, column 3: the text ends before the value does" },
    { "[1 2]", "line 1, column 4: a comma or ] is expected" },
    { "{a:1}", "line 1, column 2: a name in double quotes is expected" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_refused (rows[i].json, strlen (rows[i].json), rows[i].problem);
}

static void
test_depth (void)
{
  for (guint depth = CTL_JSON_NESTED_MAX - 1; depth <= CTL_JSON_NESTED_MAX + 1; depth++)
    {
      g_autoptr (GString) json = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (CtlJsonValue) value = NULL;

      for (guint i = 0; i < depth; i++)
        g_string_append (json, i % 2 == 0 ? "[" : "{\"a\":");
      if (depth % 2 == 0)
        g_string_append_c (json, '0');
      for (guint i = depth; i-- > 0;)
        g_string_append_c (json, i % 2 == 0 ? ']' : '}');
      value = ctl_json_parse (json->str, json->len, &error);
      g_assert_cmpint (value != NULL, ==, depth <= CTL_JSON_NESTED_MAX);
    }
}

/* A million brackets cause an error, and no overflow of the stack. */
static void
test_nested_too_deep (void)
{
  g_autofree char *json = g_strnfill (1000000, '[');

  assert_refused (json, 1000000, "line 1, column 65: values are nested too deep");
}

static void
test_contents (void)
{
  g_autoptr (CtlJsonValue) value = parse ("{\"n\":1.50E+1,\"s\":\"\\u00e4\\ud83d\\ude00\\n\\/\",\"l\":[true,null]}");
  const CtlJsonValue *list;

  g_assert_cmpuint (ctl_json_value_length (value), ==, 3);
  g_assert_cmpstr (ctl_json_value_name (value, 0), ==, "n");
  g_assert_cmpstr (ctl_json_value_item (value, 0)->text, ==, "1.50E+1");
  g_assert_cmpstr (ctl_json_value_item (value, 1)->text, ==, "\xc3\xa4\xf0\x9f\x98\x80\n/");
  list = ctl_json_value_item (value, 2);
  g_assert_cmpuint (ctl_json_value_length (list), ==, 2);
  g_assert_cmpint (ctl_json_value_item (list, 0)->kind, ==, CTL_JSON_TRUE);
  g_assert_cmpint (ctl_json_value_item (list, 1)->kind, ==, CTL_JSON_NULL);
}

/* Random texts made of parts of JSON: each is an error or a value, and never reads beyond its end. */
static void
test_hostile (void)
{
  static const char *const parts[] = { "{", "}", "[", "]", ",", ":",    "\"",  "\"a\"", "\\",   "\\u", "d800",
                                       "1", "-", "e", ".", "0", "true", "nul", " ",     "\xc3", "\xa4" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);

  for (guint i = 0; i < 100000; i++)
    {
      g_autoptr (GString) json = g_string_new (NULL);
      g_autofree char *exact = NULL;
      g_autoptr (CtlJsonValue) value = NULL;

      for (gint n = g_rand_int_range (rand, 0, 12); n > 0; n--)
        g_string_append (json, parts[g_rand_int_range (rand, 0, (gint32) G_N_ELEMENTS (parts))]);
      exact = g_memdup2 (json->str, json->len); /* without a NUL */
      value = ctl_json_parse (exact != NULL ? exact : "", json->len, NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/json-parse/accepted", test_accepted);
  g_test_add_func ("/cli/json-parse/refused", test_refused);
  g_test_add_func ("/cli/json-parse/errors-name-the-place", test_errors_name_the_place);
  g_test_add_func ("/cli/json-parse/depth", test_depth);
  g_test_add_func ("/cli/json-parse/nested-too-deep", test_nested_too_deep);
  g_test_add_func ("/cli/json-parse/contents", test_contents);
  g_test_add_func ("/cli/json-parse/F-hostile", test_hostile);
  return g_test_run ();
}
