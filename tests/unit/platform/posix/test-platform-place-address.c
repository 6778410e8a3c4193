/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/platform-place-address.h"

/* The default address of any user. The account that runs the tests does not matter. */

static void
assert_address (uid_t uid, const char *runtime, const char *expected)
{
  g_autofree char *address = NULL;

  if (runtime != NULL)
    g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  else
    g_unsetenv ("XDG_RUNTIME_DIR");
  address = platform_place_address (uid);
  g_assert_cmpstr (address, ==, expected);
}

static void
test_user (void)
{
  assert_address (1000, "/run/user/1000", "/run/user/1000/daemoneye/eventbus.sock");
  assert_address (1000, NULL, NULL);
}

/* An empty value, too, would make a path relative to the working directory, which may belong to another user. */
static void
test_not_absolute (void)
{
  assert_address (1000, "", NULL);
  assert_address (1000, "relative", NULL);
  assert_address (1000, "./relative", NULL);
}

static void
test_root (void)
{
  assert_address (0, "/run/user/0", "/run/daemoneye/eventbus.sock");
  assert_address (0, "", "/run/daemoneye/eventbus.sock");
  assert_address (0, NULL, "/run/daemoneye/eventbus.sock");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/platform/place-address/user", test_user);
  g_test_add_func ("/platform/place-address/not-absolute", test_not_absolute);
  g_test_add_func ("/platform/place-address/root", test_root);
  return g_test_run ();
}
