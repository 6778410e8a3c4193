/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-text.h"

/* Text cut to a length: as much as fits, and never a part of a character. */

static const char mixed[] = "a\xc3\xa9z\xe2\x82\xac!\xf0\x9f\x98\x80\xf0\x9f\x98\x80q";

/* Returns the length of the longest prefix of @text that has only whole characters and at most @max bytes. */
static gsize
whole_characters (const char *text, gsize max)
{
  gsize len = 0;

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      gsize end = (gsize) (g_utf8_next_char (c) - text);

      if (end > max)
        break;
      len = end;
    }
  return len;
}

static void
test_cut (void)
{
  for (gsize max = 0; max <= sizeof mixed + 2; max++)
    {
      WireSpan cut = bus_text_cut (wire_span_str (mixed), max);

      g_assert_true (cut.data == (const guint8 *) mixed);
      g_assert_cmpuint (cut.len, ==, whole_characters (mixed, max));
      g_assert_true (g_utf8_validate ((const char *) cut.data, (gssize) cut.len, NULL));
    }
}

static void
test_empty (void)
{
  g_assert_cmpuint (bus_text_cut (wire_span (NULL, 0), 10).len, ==, 0);
  g_assert_cmpuint (bus_text_cut (wire_span_str (""), 0).len, ==, 0);
}

/* A text that has only continuation bytes is cut to nothing; the cut never reads in front of its text. */
static void
test_only_continuations (void)
{
  static const char bytes[] = "\x80\x80\x80\x80";

  g_assert_cmpuint (bus_text_cut (wire_span_str (bytes), 3).len, ==, 0);
  g_assert_cmpuint (bus_text_cut (wire_span_str (bytes), 4).len, ==, 4);
}

static void
test_dup (void)
{
  for (gsize max = 0; max <= sizeof mixed; max++)
    {
      g_autofree char *copy = bus_text_dup (mixed, max);

      g_assert_cmpuint (strlen (copy), ==, whole_characters (mixed, max));
      g_assert_true (g_str_has_prefix (mixed, copy));
    }
}

static void
test_copy (void)
{
  for (gsize size = 1; size <= sizeof mixed + 2; size++)
    {
      char out[sizeof mixed + 4];

      memset (out, 'x', sizeof out);
      bus_text_copy (out, size, mixed);
      g_assert_cmpuint (strlen (out), ==, whole_characters (mixed, size - 1));
      g_assert_true (g_str_has_prefix (mixed, out));
      g_assert_cmpint (out[size], ==, 'x');
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/text/P05-cut", test_cut);
  g_test_add_func ("/core/text/empty", test_empty);
  g_test_add_func ("/core/text/only-continuations", test_only_continuations);
  g_test_add_func ("/core/text/dup", test_dup);
  g_test_add_func ("/core/text/copy", test_copy);
  return g_test_run ();
}
