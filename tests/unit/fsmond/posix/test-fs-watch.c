/* SPDX-License-Identifier: Apache-2.0 */
#include "test-watchdog.h"
#include "watch-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tests of the events of watched directories, with real files. test-fs-watch-loss.c tests lost events. */

static void
test_baseline (WatchFixture *fixture, gconstpointer data)
{
  FsCoverage coverage;

  watch_fixture_mkdir (fixture, "a/b");
  watch_fixture_put (fixture, "a/old", "");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_catch_up (fixture, "a/b");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "a/old"), ==, 0);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.wanted, ==, 3);
  g_assert_cmpuint (coverage.watched, ==, 3);
  g_assert_cmpuint (coverage.entries, ==, 4);
  g_assert_cmpuint (coverage.failures->len, ==, 0);
  g_assert_null (coverage.detection_fault);
  fs_coverage_clear (&coverage);
}

static void
test_created (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_put (fixture, "new", "text");
  seen = watch_fixture_expect (fixture, FS_EVENT_CREATED, "new");
  g_assert_false (seen->found);
  g_assert_cmpint (seen->facts.kind, ==, FS_KIND_REGULAR);
  g_assert_cmpuint (seen->facts.inode, !=, 0);
}

/* Many notices make one event, which is sent after the last notice. */
static void
test_changed (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "file");
  const WatchSeen *seen;
  int fd;

  watch_fixture_put (fixture, "file", "");
  fixture->settings.fold_ms = 3600 * 1000;
  watch_fixture_watch (fixture, "", FALSE);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (write (fd, "x", 1), ==, 1);
  watch_fixture_catch_up (fixture, "");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CHANGED, "file"), ==, 0);
  close (fd);
  seen = watch_fixture_expect (fixture, FS_EVENT_CHANGED, "file");
  g_assert_true (seen->complete);
  g_assert_cmpuint (seen->folded, >, 0);
  g_assert_cmpuint (seen->facts.size, ==, 1000);
  watch_fixture_catch_up (fixture, "");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CHANGED, "file"), ==, 1);
}

/* A changed file that is never closed gets an event. */
static void
test_changed_open (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "file");
  const WatchSeen *seen;
  int fd;

  watch_fixture_put (fixture, "file", "");
  watch_fixture_watch (fixture, "", FALSE);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  seen = watch_fixture_expect (fixture, FS_EVENT_CHANGED, "file");
  g_assert_false (seen->complete);
  g_assert_cmpuint (seen->facts.size, ==, 1);
  close (fd);
}

static void
test_not_changed (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "file");

  watch_fixture_put (fixture, "file", "text");
  watch_fixture_watch (fixture, "", FALSE);
  close (open (path, O_WRONLY | O_CLOEXEC));
  watch_fixture_catch_up (fixture, "");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CHANGED, "file"), ==, 0);
}

static void
test_change_before_end (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "file");
  int fd;

  watch_fixture_put (fixture, "file", "");
  fixture->settings.fold_ms = 3600 * 1000;
  watch_fixture_watch (fixture, "", FALSE);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  watch_fixture_unlink (fixture, "file");
  watch_fixture_expect (fixture, FS_EVENT_CHANGED, "file");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "file");
  close (fd);
}

static void
test_deleted (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_put (fixture, "file", "text");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_unlink (fixture, "file");
  seen = watch_fixture_expect (fixture, FS_EVENT_DELETED, "file");
  g_assert_false (seen->found);
  g_assert_cmpuint (seen->facts.size, ==, 4);
}

static void
test_short_life (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_put (fixture, "file", "text");
  watch_fixture_unlink (fixture, "file");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "file");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "file");
}

static void
test_attributes (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "file");

  watch_fixture_put (fixture, "file", "text");
  watch_fixture_watch (fixture, "", FALSE);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  watch_fixture_expect (fixture, FS_EVENT_ATTRIBUTES, "file");
}

static void
test_renamed (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_put (fixture, "old", "text");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_rename (fixture, "old", "new");
  seen = watch_fixture_expect (fixture, FS_EVENT_MOVED, "old");
  g_assert_cmpstr (seen->moved_to, ==, "new");
  g_assert_cmpuint (seen->facts.size, ==, 4);
}

static void
test_moved (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_mkdir (fixture, "a");
  watch_fixture_mkdir (fixture, "b");
  watch_fixture_put (fixture, "a/file", "text");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_rename (fixture, "a/file", "b/file");
  seen = watch_fixture_expect (fixture, FS_EVENT_MOVED, "a/file");
  g_assert_cmpstr (seen->moved_to, ==, "b/file");
  watch_fixture_catch_up (fixture, "a");
  watch_fixture_catch_up (fixture, "b");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_MOVED, "a/file"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "b/file"), ==, 0);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "a/file"), ==, 0);
}

static void
test_moved_outside (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_mkdir (fixture, "in");
  watch_fixture_mkdir (fixture, "out");
  watch_fixture_put (fixture, "in/leaves", "");
  watch_fixture_put (fixture, "out/comes", "");
  watch_fixture_watch (fixture, "in", FALSE);
  watch_fixture_rename (fixture, "in/leaves", "out/left");
  seen = watch_fixture_expect (fixture, FS_EVENT_DELETED, "in/leaves");
  g_assert_true (seen->moved);
  watch_fixture_rename (fixture, "out/comes", "in/came");
  seen = watch_fixture_expect (fixture, FS_EVENT_CREATED, "in/came");
  g_assert_true (seen->moved);
}

/* --- directories --- */

/* Files that are in a new directory before it is watched are found. */
static void
test_new_directory (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_mkdir (fixture, "a/b/c");
  watch_fixture_put (fixture, "a/b/c/file", "text");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "a");
  seen = watch_fixture_expect (fixture, FS_EVENT_CREATED, "a/b/c/file");
  g_assert_true (seen->found);
  watch_fixture_catch_up (fixture, "a/b/c");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "a/b/c/file"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "a/b"), ==, 1);
}

/* The directory is watched, and the scan has not begun. */
static void
put_into_new_directory (WatchFixture *fixture)
{
  fixture->on_changed = NULL;
  watch_fixture_put (fixture, "new/file", "");
}

static void
move_away (WatchFixture *fixture, const char *name, guint number)
{
  g_autofree char *other = g_strdup_printf ("%s-%u", name, number);

  watch_fixture_rename (fixture, name, other);
  watch_fixture_expect (fixture, FS_EVENT_MOVED, name);
  watch_fixture_settle (fixture);
}

/* A file is found by the scan and has a notice, before or after the scan: there is one event. */
static void
test_found_and_noticed (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_watch (fixture, "", FALSE);
  for (guint round = 1; round <= 20; round++)
    {
      watch_fixture_mkdir (fixture, "new");
      fixture->on_changed = put_into_new_directory;
      watch_fixture_expect (fixture, FS_EVENT_CREATED, "new/file");
      watch_fixture_settle (fixture);
      watch_fixture_catch_up (fixture, "new");
      g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "new/file"), ==, round);
      move_away (fixture, "new", round);
    }
}

static void
test_moved_directory (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "a/b");
  watch_fixture_mkdir (fixture, "x");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_rename (fixture, "a", "x/y");
  watch_fixture_expect (fixture, FS_EVENT_MOVED, "a");
  watch_fixture_settle (fixture);
  watch_fixture_catch_up (fixture, "x/y");
  watch_fixture_catch_up (fixture, "x/y/b");
}

/* Files that were created in a moved directory before its new path was known are found. */
static void
test_moved_directory_gap (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "a/b");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_rename (fixture, "a", "z");
  watch_fixture_put (fixture, "z/b/file", "");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "z/b/file");
}

static void
test_removed_directory (WatchFixture *fixture, gconstpointer data)
{
  FsCoverage coverage;

  watch_fixture_mkdir (fixture, "a/b");
  watch_fixture_put (fixture, "a/b/file", "");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_unlink (fixture, "a/b/file");
  watch_fixture_rmdir (fixture, "a/b");
  watch_fixture_rmdir (fixture, "a");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "a/b/file");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "a/b");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "a");
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.wanted, ==, 1);
  g_assert_cmpuint (coverage.watched, ==, 1);
  g_assert_cmpuint (coverage.entries, ==, 0);
  fs_coverage_clear (&coverage);
  watch_fixture_catch_up (fixture, "");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "a/b/file"), ==, 1);
}

static void
test_replaced_directory (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "a");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_rmdir (fixture, "a");
  watch_fixture_mkdir (fixture, "a");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "a");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "a");
  watch_fixture_catch_up (fixture, "a");
}

static void
test_flat (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "a");
  watch_fixture_watch (fixture, "", TRUE);
  watch_fixture_put (fixture, "a/file", "");
  watch_fixture_catch_up (fixture, "");
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "a/file"), ==, 0);
}

static void
test_symlinks (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "in/link");
  const WatchSeen *seen;

  watch_fixture_mkdir (fixture, "in");
  watch_fixture_mkdir (fixture, "out");
  watch_fixture_watch (fixture, "in", FALSE);
  g_assert_cmpint (symlink ("../out", path), ==, 0);
  seen = watch_fixture_expect (fixture, FS_EVENT_CREATED, "in/link");
  g_assert_cmpint (seen->facts.kind, ==, FS_KIND_SYMLINK);
  watch_fixture_settle (fixture);
  watch_fixture_put (fixture, "out/file", "");
  watch_fixture_catch_up (fixture, "in");
  for (guint i = 0; i < fixture->seen->len; i++)
    g_assert_true (g_str_has_prefix (((WatchSeen *) g_ptr_array_index (fixture->seen, i))->path, "in/"));
}

static void
test_odd_names (WatchFixture *fixture, gconstpointer data)
{
  static const char *const names[]
      = { "sp ace", "back\\slash", "new\nline", "bad\xff\xfe", "percent%20", "#hash", "\xc3\xa4" };

  watch_fixture_watch (fixture, "", FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *moved = g_strconcat (names[i], "-2", NULL);

      watch_fixture_put (fixture, names[i], "");
      watch_fixture_expect (fixture, FS_EVENT_CREATED, names[i]);
      watch_fixture_rename (fixture, names[i], moved);
      watch_fixture_expect (fixture, FS_EVENT_MOVED, names[i]);
      watch_fixture_unlink (fixture, moved);
      watch_fixture_expect (fixture, FS_EVENT_DELETED, moved);
    }
}

/* --- roots --- */

static void
test_root_appears (WatchFixture *fixture, gconstpointer data)
{
  FsCoverage coverage;
  const WatchSeen *seen;

  watch_fixture_watch (fixture, "later", FALSE);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.wanted, ==, 1);
  g_assert_cmpuint (coverage.watched, ==, 0);
  g_assert_cmpuint (coverage.failures->len, ==, 1);
  fs_coverage_clear (&coverage);
  watch_fixture_mkdir (fixture, "later");
  watch_fixture_put (fixture, "later/file", "");
  seen = watch_fixture_expect (fixture, FS_EVENT_CREATED, "later/file");
  g_assert_true (seen->found);
  watch_fixture_catch_up (fixture, "later");
}

static void
test_root_replaced (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "root");
  watch_fixture_put (fixture, "root/old", "");
  watch_fixture_watch (fixture, "root", FALSE);
  watch_fixture_mkdir (fixture, "other");
  watch_fixture_put (fixture, "other/new", "");
  watch_fixture_rename (fixture, "root", "away");
  watch_fixture_rename (fixture, "other", "root");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "root/new");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "root/old");
  watch_fixture_catch_up (fixture, "root");
}

static void
test_root_removed (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "root");
  watch_fixture_put (fixture, "root/file", "");
  watch_fixture_watch (fixture, "root", FALSE);
  watch_fixture_unlink (fixture, "root/file");
  watch_fixture_rmdir (fixture, "root");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "root/file");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "root");
  watch_fixture_mkdir (fixture, "root");
  watch_fixture_put (fixture, "root/file", "");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "root/file");
}

static void
test_root_link (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *path = watch_fixture_path (fixture, "link");
  FsCoverage coverage;
  const FsFailure *failure;

  watch_fixture_mkdir (fixture, "dir");
  g_assert_cmpint (symlink ("dir", path), ==, 0);
  watch_fixture_watch (fixture, "link", FALSE);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.failures->len, ==, 1);
  failure = g_ptr_array_index (coverage.failures, 0);
  g_assert_cmpstr (failure->path, ==, path);
  g_assert_nonnull (strstr (failure->reason, "symbolic link"));
  fs_coverage_clear (&coverage);
}

static void
check_wanted (WatchFixture *fixture, guint wanted)
{
  FsCoverage coverage;

  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.wanted, ==, wanted);
  g_assert_cmpuint (coverage.watched, ==, wanted);
  fs_coverage_clear (&coverage);
}

static void
add_root (WatchFixture *fixture, GPtrArray *roots, const char *name, gboolean flat)
{
  g_autofree char *path = watch_fixture_path (fixture, name);

  g_ptr_array_add (roots, fs_root_new (path, flat));
}

static void
test_roots (WatchFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func ((GDestroyNotify) fs_root_free);

  watch_fixture_mkdir (fixture, "a/b/c");
  watch_fixture_mkdir (fixture, "ab");
  watch_fixture_watch (fixture, "a", FALSE);
  check_wanted (fixture, 3);
  add_root (fixture, roots, "a", TRUE);
  add_root (fixture, roots, "a/b", FALSE);
  add_root (fixture, roots, "a", FALSE);
  add_root (fixture, roots, "ab", TRUE);
  add_root (fixture, roots, "ab", TRUE);
  fs_watch_set_roots (fixture->watch, roots);
  watch_fixture_settle (fixture);
  check_wanted (fixture, 4);
  watch_fixture_watch (fixture, "a/b", FALSE);
  check_wanted (fixture, 2);
  watch_fixture_catch_up (fixture, "a/b/c");
}

/* --- limits --- */

static void
test_limit (WatchFixture *fixture, gconstpointer data)
{
  FsCoverage coverage;
  const FsFailure *failure;

  watch_fixture_mkdir (fixture, "a");
  watch_fixture_mkdir (fixture, "b");
  fixture->settings.max_directories = 2;
  watch_fixture_watch (fixture, "", FALSE);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.wanted, ==, 3);
  g_assert_cmpuint (coverage.watched, ==, 2);
  g_assert_cmpuint (coverage.limit, ==, 2);
  g_assert_cmpuint (coverage.failures->len, ==, 1);
  failure = g_ptr_array_index (coverage.failures, 0);
  g_assert_nonnull (strstr (failure->reason, "max-directories"));
  fs_coverage_clear (&coverage);
  fs_watch_set_max_directories (fixture->watch, 3);
  watch_fixture_settle (fixture);
  check_wanted (fixture, 3);
  watch_fixture_catch_up (fixture, "a");
  watch_fixture_catch_up (fixture, "b");
}

static void
test_entries (WatchFixture *fixture, gconstpointer data)
{
  FsCoverage coverage;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%u", i);

      watch_fixture_put (fixture, name, "");
    }
  fixture->settings.max_entries = 3;
  watch_fixture_watch (fixture, "", FALSE);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.entries, ==, 3);
  g_assert_cmpuint (coverage.unknown_entries, ==, 2);
  fs_coverage_clear (&coverage);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%u", i);

      watch_fixture_unlink (fixture, name);
      watch_fixture_expect (fixture, FS_EVENT_DELETED, name);
    }
}

static const struct
{
  const char *path;
  void (*func) (WatchFixture *fixture, gconstpointer data);
} tests[] = {
  { "events/nothing-of-the-baseline", test_baseline },
  { "events/created", test_created },
  { "events/changes-are-one-event-when-the-file-is-closed", test_changed },
  { "events/changes-of-a-file-that-stays-open", test_changed_open },
  { "events/no-change-without-a-difference", test_not_changed },
  { "events/a-held-change-comes-before-the-end-of-the-file", test_change_before_end },
  { "events/deleted", test_deleted },
  { "events/a-file-of-a-short-life", test_short_life },
  { "events/attributes", test_attributes },
  { "events/renamed", test_renamed },
  { "events/moved-between-directories-once", test_moved },
  { "events/moved-in-and-out", test_moved_outside },
  { "directories/contents-of-a-new-one-are-found-once", test_new_directory },
  { "directories/found-by-a-scan-is-not-reported-again", test_found_and_noticed },
  { "directories/moved-ones-are-watched-at-their-new-path", test_moved_directory },
  { "directories/files-created-while-one-moves", test_moved_directory_gap },
  { "directories/removed-with-their-contents", test_removed_directory },
  { "directories/replaced", test_replaced_directory },
  { "directories/flat", test_flat },
  { "directories/links-are-not-followed", test_symlinks },
  { "events/names-that-are-not-text", test_odd_names },
  { "roots/that-appear-later", test_root_appears },
  { "roots/replaced", test_root_replaced },
  { "roots/removed-and-back", test_root_removed },
  { "roots/links-are-refused", test_root_link },
  { "roots/set-again", test_roots },
  { "limits/directories", test_limit },
  { "limits/entries", test_entries },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/fsmond/watch/", tests[i].path, NULL);

      g_test_add (path, WatchFixture, NULL, watch_fixture_set_up, tests[i].func, watch_fixture_tear_down);
    }
  return g_test_run ();
}
