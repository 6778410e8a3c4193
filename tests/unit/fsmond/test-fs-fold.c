/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-fold.h"

/* Tests of notices of changes, which are held and counted. */

static void
test_counts (void)
{
  g_autoptr (FsFold) fold = fs_fold_new (100, 10);

  fs_fold_add (fold, "/a", 0);
  fs_fold_add (fold, "/a", 50);
  fs_fold_add (fold, "/b", 60);
  g_assert_cmpuint (fs_fold_take (fold, "/a"), ==, 2);
  g_assert_cmpuint (fs_fold_take (fold, "/a"), ==, 0);
  g_assert_cmpuint (fs_fold_take (fold, "/b"), ==, 1);
  g_assert_cmpint (fs_fold_next_us (fold), ==, -1);
}

/* The time of the first notice counts, so a file that is written continuously gets an event from time to time. */
static void
test_due (void)
{
  g_autoptr (FsFold) fold = fs_fold_new (100, 10);
  g_autofree char *early = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  guint count = 0;

  fs_fold_add (fold, "/a", 0);
  fs_fold_add (fold, "/b", 10);
  fs_fold_add (fold, "/a", 99);
  g_assert_cmpint (fs_fold_next_us (fold), ==, 100);
  early = fs_fold_take_due (fold, 99, &count);
  g_assert_null (early);
  first = fs_fold_take_due (fold, 100, &count);
  g_assert_cmpstr (first, ==, "/a");
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpint (fs_fold_next_us (fold), ==, 110);
  second = fs_fold_take_due (fold, 200, &count);
  g_assert_cmpstr (second, ==, "/b");
  g_assert_null (fs_fold_take_due (fold, 999, &count));
}

static void
test_bound (void)
{
  g_autoptr (FsFold) fold = fs_fold_new (100, 2);
  g_autofree char *oldest = NULL;
  guint count = 0;

  fs_fold_add (fold, "/a", 0);
  fs_fold_add (fold, "/b", 1);
  g_assert_null (fs_fold_take_due (fold, 2, &count));
  fs_fold_add (fold, "/c", 2);
  oldest = fs_fold_take_due (fold, 2, &count);
  g_assert_cmpstr (oldest, ==, "/a");
  g_assert_cmpuint (count, ==, 1);
  g_assert_null (fs_fold_take_due (fold, 2, &count));
}

static void
test_starts_again_after_it_was_taken (void)
{
  g_autoptr (FsFold) fold = fs_fold_new (100, 10);

  fs_fold_add (fold, "/a", 0);
  fs_fold_take (fold, "/a");
  fs_fold_add (fold, "/a", 90);
  g_assert_cmpint (fs_fold_next_us (fold), ==, 190);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fsmond/fold/counts-notices-of-a-file", test_counts);
  g_test_add_func ("/fsmond/fold/due-since-the-first-notice", test_due);
  g_test_add_func ("/fsmond/fold/beyond-the-bound-the-oldest-is-due", test_bound);
  g_test_add_func ("/fsmond/fold/starts-again-after-it-was-taken", test_starts_again_after_it_was_taken);
  return g_test_run ();
}
