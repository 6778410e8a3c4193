/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-text.h"

/* The checks of text, with a wrong byte at each place of texts of each length, in memory that ends with the text. */

#define LEN_MAX 40u

/* A copy of @text in a block of its size, so that a sanitizer finds a read beyond it. */
static gboolean
text_is_ascii (const guint8 *text, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (text, len);

  return wire_text_is_ascii (wire_span (copy, len), copy + len);
}

static gboolean
text_is_utf8 (const void *text, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (text, len);

  return wire_text_is_utf8 (wire_span (copy, len));
}

static void
test_each_place (void)
{
  guint8 text[LEN_MAX];

  memset (text, 'a', sizeof text);
  for (gsize len = 1; len <= LEN_MAX; len++)
    {
      g_assert_true (text_is_ascii (text, len));
      g_assert_true (text_is_utf8 (text, len));
      for (gsize at = 0; at < len; at++)
        {
          text[at] = 0x80;
          g_assert_false (text_is_ascii (text, len));
          g_assert_false (text_is_utf8 (text, len));
          text[at] = 0;
          g_assert_false (text_is_ascii (text, len));
          g_assert_false (text_is_utf8 (text, len));
          text[at] = 'a';
        }
    }
}

static void
test_utf8 (void)
{
  static const char good[] = "events.prozeß.größe";
  static const char cut[] = "events.proze\xc3";
  static const char overlong[] = "events.\xc0\xaf";

  g_assert_true (text_is_utf8 (good, strlen (good)));
  g_assert_false (text_is_ascii ((const guint8 *) good, strlen (good)));
  g_assert_false (text_is_utf8 (cut, strlen (cut)));
  g_assert_false (text_is_utf8 (overlong, strlen (overlong)));
  g_assert_true (wire_text_is_utf8 (wire_span (NULL, 0)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/text/each-place", test_each_place);
  g_test_add_func ("/wire/text/utf8", test_utf8);
  return g_test_run ();
}
