/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-error.h"
#include "ctl-pages.h"

/* Reading pages ends at the last one, does not continue with another broker, and does not loop. */

static void
test_follow (void)
{
  CtlPages pages = { 0 };

  g_assert_true (ctl_pages_take (&pages, 7, "1/a", NULL));
  g_assert_cmpstr (pages.after, ==, "1/a");
  g_assert_true (ctl_pages_take (&pages, 7, "1/b", NULL));
  g_assert_cmpstr (pages.after, ==, "1/b");
  g_assert_true (ctl_pages_take (&pages, 7, "", NULL));
  g_assert_null (pages.after);
  g_assert_cmpuint (pages.n, ==, 3);
}

static void
test_one (void)
{
  CtlPages pages = { 0 };

  g_assert_true (ctl_pages_take (&pages, 0, "", NULL));
  g_assert_null (pages.after);
}

static void
test_another_broker (void)
{
  CtlPages pages = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (ctl_pages_take (&pages, 7, "1/a", NULL));
  g_assert_false (ctl_pages_take (&pages, 8, "1/b", &error));
  g_assert_error (error, CTL_ERROR, CTL_EXIT_FAILED);
}

static void
test_repeated (void)
{
  CtlPages pages = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (ctl_pages_take (&pages, 7, "1/a", NULL));
  g_assert_false (ctl_pages_take (&pages, 7, "1/a", &error));
  g_assert_error (error, CTL_ERROR, CTL_EXIT_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/pages/follow", test_follow);
  g_test_add_func ("/cli/pages/one", test_one);
  g_test_add_func ("/cli/pages/another-broker", test_another_broker);
  g_test_add_func ("/cli/pages/repeated", test_repeated);
  return g_test_run ();
}
