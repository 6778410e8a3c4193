/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"
#include "test-watchdog.h"
#include "watch-fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tests of watched directories whose events are lost: the receiver refuses them, the queue of the kernel overflows, or there is no
 * queue. A scan finds the differences. */

static void
wait_refused (WatchFixture *fixture, guint n)
{
  test_watchdog_note ("%u events are refused", n);
  while (fixture->refused < n)
    g_main_context_iteration (NULL, TRUE);
  test_watchdog_note (NULL);
}

/* Events of each kind are refused; a scan finds each kind of difference. */
static void
test_refused (WatchFixture *fixture, gconstpointer data)
{
  const WatchSeen *seen;

  watch_fixture_put (fixture, "changes", "");
  watch_fixture_put (fixture, "goes", "");
  watch_fixture_put (fixture, "moves", "");
  watch_fixture_watch (fixture, "", FALSE);
  fixture->refuse = TRUE;
  watch_fixture_put (fixture, "comes", "text");
  watch_fixture_put (fixture, "changes", "text");
  watch_fixture_rename (fixture, "moves", "moved");
  watch_fixture_mkdir (fixture, "dir");
  watch_fixture_put (fixture, "dir/file", "");
  watch_fixture_unlink (fixture, "goes");
  wait_refused (fixture, 10);
  g_assert_cmpuint (fixture->seen->len, ==, 0);
  fixture->refuse = FALSE;
  watch_fixture_settle (fixture);
  seen = g_ptr_array_index (fixture->seen, 0);
  g_assert_cmpint (seen->kind, ==, FS_EVENT_LOST);
  seen = g_ptr_array_index (fixture->seen, fixture->seen->len - 1);
  g_assert_cmpint (seen->kind, ==, FS_EVENT_REPAIRED);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "comes"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CHANGED, "changes"), >=, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "goes"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "moves"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "moved"), ==, 1);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, "dir/file"), ==, 1);
}

static void
test_refused_one (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_mkdir (fixture, "dir");
  watch_fixture_watch (fixture, "", FALSE);
  fixture->refuse = TRUE;
  watch_fixture_put (fixture, "dir/file", "");
  wait_refused (fixture, 1);
  fixture->refuse = FALSE;
  watch_fixture_expect (fixture, FS_EVENT_LOST, NULL);
  watch_fixture_expect (fixture, FS_EVENT_CREATED, "dir/file");
  watch_fixture_expect (fixture, FS_EVENT_REPAIRED, NULL);
}

/* Events of a scan are refused as well. */
static void
test_refused_again (WatchFixture *fixture, gconstpointer data)
{
  watch_fixture_watch (fixture, "", FALSE);
  fixture->refuse = TRUE;
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%u", i);

      watch_fixture_put (fixture, name, "");
    }
  wait_refused (fixture, 1);
  fixture->refuse = FALSE;
  fixture->refuse_each = 6;
  watch_fixture_settle (fixture);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%u", i);

      g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_CREATED, name), ==, 1);
    }
}

static guint
read_limit (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL));
  return (guint) g_ascii_strtoull (text, NULL, 10);
}

/* Makes notices in a child while this process is suspended, because GLib's thread would otherwise read the queue. */
static void
make_notices (WatchFixture *fixture, guint files)
{
  pid_t child = fork ();

  if (child == 0)
    {
      pid_t parent = getppid ();
      gboolean failed = kill (parent, SIGSTOP) != 0 || chdir (fixture->dir) != 0;

      for (guint i = 0; i < files && !failed; i++)
        {
          char name[32];
          int fd;

          g_snprintf (name, sizeof name, "burst-%u", i);
          fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
          failed = fd < 0 || close (fd) != 0 || (i % 2 == 0 && unlink (name) != 0);
        }
      failed = kill (parent, SIGCONT) != 0 || failed;
      _exit (failed ? 1 : 0);
    }
  g_assert_cmpint (child, >, 0);
}

/* Root may examine everything, so it gives up its rights while the directory can't be searched. */
static void
set_searchable (const WatchFixture *fixture, const char *name, gboolean searchable)
{
  g_autofree char *path = watch_fixture_path (fixture, name);

  if (geteuid () == 0 || getuid () == 0)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->dir, 0755), ==, 0);
  g_assert_cmpint (chmod (path, searchable ? 0755 : 0444), ==, 0);
  if (getuid () == 0 && !searchable)
    g_assert_cmpint (seteuid (65534), ==, 0);
}

static char *
first_failure (const WatchFixture *fixture)
{
  FsCoverage coverage;
  char *reason;

  fs_watch_get_coverage (fixture->watch, &coverage);
  reason = coverage.failures->len > 0
               ? g_strdup (((const FsFailure *) g_ptr_array_index (coverage.failures, 0))->reason)
               : NULL;
  fs_coverage_clear (&coverage);
  return reason;
}

/* Files that can't be examined any more still exist: they are not reported as removed, but the coverage says so. */
static void
test_hidden (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *reason = NULL;

  watch_fixture_mkdir (fixture, "dir");
  watch_fixture_mkdir (fixture, "dir/sub");
  watch_fixture_put (fixture, "dir/file", "");
  watch_fixture_watch (fixture, "", FALSE);
  watch_fixture_catch_up (fixture, "dir/sub");
  set_searchable (fixture, "dir", FALSE);
  while ((reason = first_failure (fixture)) == NULL)
    {
      fs_watch_mark_all (fixture->watch);
      watch_fixture_settle (fixture);
    }
  g_assert_nonnull (strstr (reason, "can't be examined"));
  set_searchable (fixture, "dir", TRUE);
  g_clear_pointer (&reason, g_free);
  while ((reason = first_failure (fixture)) != NULL)
    {
      g_clear_pointer (&reason, g_free);
      g_main_context_iteration (NULL, TRUE); /* the monitor tries again by itself */
    }
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "dir/file"), ==, 0);
  g_assert_cmpuint (watch_fixture_count (fixture, FS_EVENT_DELETED, "dir/sub"), ==, 0);
  watch_fixture_unlink (fixture, "dir/file");
  watch_fixture_expect (fixture, FS_EVENT_DELETED, "dir/file");
}

/* After an overflow the state is correct: each existing file was reported, and each missing file was reported as removed. */
static void
test_overflow (WatchFixture *fixture, gconstpointer data)
{
  guint files = read_limit () / 2;
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  FsCoverage coverage;

  if (files > 100000)
    {
      g_test_skip ("the queue of this system is too long to be filled");
      return;
    }
  fixture->settings.max_entries = 1000000;
  watch_fixture_watch (fixture, "", FALSE);
  make_notices (fixture, files);
  watch_fixture_expect (fixture, FS_EVENT_LOST, NULL);
  watch_fixture_expect (fixture, FS_EVENT_REPAIRED, NULL);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.overflows, >=, 1);
  g_assert_cmpuint (coverage.entries, ==, files / 2);
  fs_coverage_clear (&coverage);
  for (guint i = 0; i < fixture->seen->len; i++)
    {
      const WatchSeen *seen = g_ptr_array_index (fixture->seen, i);

      if (seen->kind == FS_EVENT_CREATED)
        g_hash_table_add (known, seen->path);
      else if (seen->kind == FS_EVENT_DELETED)
        g_hash_table_remove (known, seen->path);
    }
  g_assert_cmpuint (g_hash_table_size (known), ==, files / 2);
}

/* The system permits one queue of notices, but GLib needs another one: no directory is watched, and the watch is tried
 * again. */
static void
test_no_queue (WatchFixture *fixture, gconstpointer data)
{
  struct rlimit before, few;
  FsCoverage coverage;
  int next = dup (STDIN_FILENO);

  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  few = (struct rlimit){ (rlim_t) next + 1, before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
  watch_fixture_watch (fixture, "", FALSE);
  fs_watch_get_coverage (fixture->watch, &coverage);
  g_assert_cmpuint (coverage.watched, ==, 0);
  g_assert_nonnull (strstr (coverage.detection_fault, "max_user_instances"));
  fs_coverage_clear (&coverage);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  test_watchdog_note ("the directory is watched");
  do
    {
      g_main_context_iteration (NULL, TRUE);
      fs_watch_get_coverage (fixture->watch, &coverage);
      fs_coverage_clear (&coverage);
    }
  while (coverage.watched == 0);
  g_assert_null (coverage.detection_fault);
  watch_fixture_catch_up (fixture, "");
}

static const struct
{
  const char *path;
  void (*func) (WatchFixture *fixture, gconstpointer data);
} tests[] = {
  { "limits/queues-of-notices", test_no_queue },
  { "loss/refused-events-are-found-by-a-scan", test_refused },
  { "loss/one-refused-event", test_refused_one },
  { "loss/events-of-a-scan-that-are-refused", test_refused_again },
  { "loss/overflow-of-the-kernel-s-queue-is-repaired", test_overflow },
  { "loss/hidden-files-are-not-removed", test_hidden },
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
