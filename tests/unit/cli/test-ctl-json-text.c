/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-json-text.h"
#include "ctl-json-value.h"

#include <math.h>
#include <string.h>

/* Tests of the text of JSON values: numbers, strings, and both layouts. */

static void
test_real_examples (void)
{
  static const struct
  {
    double value;
    const char *text;
  } rows[] = {
    { 0, "0.0" },
    { -0.0, "-0.0" },
    { 1, "1.0" },
    { 0.1, "0.1" },
    { 1.5, "1.5" },
    { 0.30000000000000004, "0.30000000000000004" },
    { 123456789012345, "123456789012345.0" },
    { 1e15, "1e+15" },
    { 1e17, "1e+17" },
    { 1e19, "1e+19" },
    { -1e300, "-1e+300" },
    { 5e-324, "5e-324" },
    { 1e-310, "1e-310" },
    { -1.25e-320, "-1.25e-320" },
    { 2.2250738585072014e-308, "2.2250738585072014e-308" },
    { 1.7976931348623157e308, "1.7976931348623157e+308" },
    { (double) NAN, "\"NaN\"" },
    { (double) INFINITY, "\"Infinity\"" },
    { -(double) INFINITY, "\"-Infinity\"" },
  };
  char text[CTL_JSON_REAL_SIZE];

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (ctl_json_real_text (rows[i].value, text), ==, rows[i].text);
}

/* The text is the shortest JSON number of at least 15 digits that reads as the same double. */
static void
test_real_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < 200000; i++)
    {
      guint64 bits = (guint64) g_rand_int (rand) << 32 | g_rand_int (rand);
      double value, again;
      char text[CTL_JSON_REAL_SIZE], shorter[CTL_JSON_REAL_SIZE];
      gsize digits = 0;

      memcpy (&value, &bits, sizeof value);
      if (!isfinite (value))
        continue;
      ctl_json_real_text (value, text);
      g_assert_cmpuint (ctl_json_number_length (text, strlen (text)), ==, strlen (text));
      g_assert_true (ctl_json_text_to_real (text, &again));
      g_assert_cmpmem (&again, sizeof again, &value, sizeof value);
      for (const char *at = text; *at != '\0' && *at != 'e'; at++)
        digits += g_ascii_isdigit (*at) && (*at != '0' || digits > 0) ? 1 : 0;
      if (digits <= 15 || g_str_has_suffix (text, ".0"))
        continue;
      g_ascii_formatd (shorter, sizeof shorter, digits == 16 ? "%.15g" : "%.16g", value);
      g_assert_true (g_ascii_strtod (shorter, NULL) != value);
    }
}

static void
test_strings (void)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), "a\"\\/\b\f\n\r\t\x01\x7f\xc3\xa4\xff");
  g_autofree char *text = ctl_json_text (node, FALSE);

  g_assert_cmpstr (text, ==, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa4\xef\xbf\xbd\"");
}

static void
test_layouts (void)
{
  static const char json[] = "{\"b\":[1,-2.5,\"x\",true,false,null],\"a\":{},\"c\":[]}";
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autofree char *compact = ctl_json_text (node, FALSE), *pretty = ctl_json_text (node, TRUE);

  g_assert_cmpstr (compact, ==, json);
  g_assert_cmpstr (pretty, ==,
                   "{\n  \"b\": [\n    1,\n    -2.5,\n    \"x\",\n    true,\n    false,\n    null\n  ],\n  \"a\": {},\n"
                   "  \"c\": []\n}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/json-text/real-examples", test_real_examples);
  g_test_add_func ("/cli/json-text/real-round-trip", test_real_round_trip);
  g_test_add_func ("/cli/json-text/strings", test_strings);
  g_test_add_func ("/cli/json-text/layouts", test_layouts);
  return g_test_run ();
}
