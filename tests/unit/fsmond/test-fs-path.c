/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-path.h"

#include <string.h>

/* Tests of paths as text: escaping, and refused texts. */

static void
test_escaped_text_is_reversible (void)
{
  static const char *const paths[]
      = { "/", "/a/b", "/sp ace/\xc3\xa4", "/bad\xff\xfe/x", "/back\\slash", "/new\nline", "/a\\x41" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *text = fs_path_escape (paths[i]);
      g_autofree char *back = NULL;

      g_assert_true (g_utf8_validate (text, -1, NULL));
      g_assert_cmpint (fs_path_parse (text, &back), ==, FS_PATH_GOOD);
      g_assert_cmpstr (back, ==, paths[i]);
    }
}

static void
test_escapes_bytes_that_are_not_text (void)
{
  g_autofree char *bytes = fs_path_escape ("/a\xff\\b");
  g_autofree char *text = fs_path_escape ("/\xc3\xa4");

  g_assert_cmpstr (bytes, ==, "/a\\xff\\x5cb");
  g_assert_cmpstr (text, ==, "/\xc3\xa4");
}

static void
test_refuses_indirect_paths (void)
{
  static const struct
  {
    const char *text;
    FsPathFault fault;
  } refused[] = {
    { "", FS_PATH_EMPTY },
    { "a/b", FS_PATH_RELATIVE },
    { "./a", FS_PATH_RELATIVE },
    { "/a/../b", FS_PATH_DOTS },
    { "/..", FS_PATH_DOTS },
    { "/a/.", FS_PATH_DOTS },
    { "/a/\\x2e\\x2e/b", FS_PATH_DOTS },
    { "/a\\x2f\\x2e\\x2e", FS_PATH_DOTS },
    { "//a", FS_PATH_SLASHES },
    { "/a//b", FS_PATH_SLASHES },
    { "/a/", FS_PATH_SLASHES },
    { "/a\\x00b", FS_PATH_NUL },
    { "/a\\", FS_PATH_ESCAPE },
    { "/a\\x4", FS_PATH_ESCAPE },
    { "/a\\n", FS_PATH_ESCAPE },
    { "/a\\xg0", FS_PATH_ESCAPE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = NULL;

      g_test_message ("%s", refused[i].text);
      g_assert_cmpint (fs_path_parse (refused[i].text, &path), ==, refused[i].fault);
      g_assert_null (path);
      g_assert_cmpstr (fs_path_fault_text (refused[i].fault), !=, fs_path_fault_text (FS_PATH_GOOD));
    }
}

static void
test_names_with_dots (void)
{
  static const char *const names[] = { "/...", "/.a", "/a..", "/..a/b" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = NULL;

      g_assert_cmpint (fs_path_parse (names[i], &path), ==, FS_PATH_GOOD);
    }
}

static FsPathFault
parse_long (gsize component, gsize components)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *path = NULL;

  for (gsize i = 0; i < components; i++)
    {
      g_string_append_c (text, '/');
      for (gsize n = 0; n < component; n++)
        g_string_append_c (text, 'a');
    }
  return fs_path_parse (text->str, &path);
}

static void
test_long (void)
{
  g_assert_cmpint (parse_long (255, 1), ==, FS_PATH_GOOD);
  g_assert_cmpint (parse_long (256, 1), ==, FS_PATH_LONG);
  g_assert_cmpint (parse_long (62, 65), ==, FS_PATH_GOOD); /* 4,095 bytes */
  g_assert_cmpint (parse_long (63, 64), ==, FS_PATH_LONG); /* 4,096 */
}

static void
test_below (void)
{
  g_assert_true (fs_path_is_below ("/a/b", "/a"));
  g_assert_true (fs_path_is_below ("/a", "/a"));
  g_assert_true (fs_path_is_below ("/x", "/"));
  g_assert_false (fs_path_is_below ("/ab", "/a"));
  g_assert_false (fs_path_is_below ("/a", "/a/b"));
  g_assert_false (fs_path_is_below ("/b/a", "/a"));
}

static void
test_join (void)
{
  g_autofree char *top = fs_path_join ("/", "a");
  g_autofree char *deep = fs_path_join ("/a", "b");

  g_assert_cmpstr (top, ==, "/a");
  g_assert_cmpstr (deep, ==, "/a/b");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fsmond/path/escaped-text-is-reversible", test_escaped_text_is_reversible);
  g_test_add_func ("/fsmond/path/escapes-bytes-that-are-not-text", test_escapes_bytes_that_are_not_text);
  g_test_add_func ("/fsmond/path/refuses-indirect-paths", test_refuses_indirect_paths);
  g_test_add_func ("/fsmond/path/accepts-names-with-dots", test_names_with_dots);
  g_test_add_func ("/fsmond/path/bounds-lengths", test_long);
  g_test_add_func ("/fsmond/path/below-by-components", test_below);
  g_test_add_func ("/fsmond/path/join", test_join);
  return g_test_run ();
}
