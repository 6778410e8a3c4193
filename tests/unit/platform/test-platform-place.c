/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-place.h"

#include "test-system.h"

static const char *own_name; /* argv[0] */

static void
test_program (void)
{
  g_autofree char *path = platform_program_path ();
  g_autofree char *name = path != NULL ? g_path_get_basename (path) : NULL;
  g_autofree char *expected = g_path_get_basename (own_name);

  g_assert_nonnull (path);
  g_assert_true (g_path_is_absolute (path));
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_EXECUTABLE));
  g_assert_cmpstr (name, ==, expected);
}

static void
test_library (void)
{
  g_autofree char *path = platform_library_path ((gconstpointer) (guintptr) g_free);
  g_autofree char *none = platform_library_path (&own_name);

  g_assert_nonnull (path);
  g_assert_true (g_path_is_absolute (path));
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  g_assert_nonnull (strstr (path, "glib"));
  g_assert_null (none);
}

static void
test_beside (void)
{
  g_autofree char *path = platform_program_path ();
  g_autofree char *bin = g_path_get_dirname (path);
  g_autofree char *prefix = g_path_get_dirname (bin);
  g_autofree char *folder = g_path_get_basename (bin);
  g_autofree char *beside = platform_beside_program (folder);
  g_autofree char *nothing = platform_beside_program ("no/such/file");

  g_assert_cmpstr (beside, ==, bin);
  g_assert_true (g_str_has_prefix (beside, prefix));
  g_assert_null (nothing);
}

static void
test_address (void)
{
  g_autofree char *named = NULL;
  g_autofree char *fallback = NULL;
  g_autofree char *missing = NULL;

  g_setenv ("DAEMONEYE_BROKER_SOCKET", "/env.sock", TRUE);
  named = platform_broker_address ();
  g_assert_cmpstr (named, ==, "/env.sock");

  g_setenv ("DAEMONEYE_BROKER_SOCKET", "", TRUE);
  g_setenv ("XDG_RUNTIME_DIR", "/run/user/1", TRUE);
  fallback = platform_broker_address ();
  g_assert_cmpstr (fallback, ==,
                   test_system_account () == 0 ? "/run/daemoneye/eventbus.sock"
                                               : "/run/user/1/daemoneye/eventbus.sock");

  g_unsetenv ("DAEMONEYE_BROKER_SOCKET");
  g_unsetenv ("XDG_RUNTIME_DIR");
  missing = platform_broker_address ();
  g_assert_cmpstr (missing, ==, test_system_account () == 0 ? "/run/daemoneye/eventbus.sock" : NULL);
}

int
main (int argc, char **argv)
{
  own_name = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/place/program", test_program);
  g_test_add_func ("/platform/place/library", test_library);
  g_test_add_func ("/platform/place/beside", test_beside);
  g_test_add_func ("/platform/place/address", test_address);
  return g_test_run ();
}
