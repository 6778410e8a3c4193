/* SPDX-License-Identifier: Apache-2.0 */
#include "watch-fixture.h"

#include "test-dir.h"
#include "test-watchdog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
seen_free (gpointer data)
{
  WatchSeen *seen = data;

  g_free (seen->path);
  g_free (seen->moved_to);
  g_free (seen);
}

static char *
relative (const WatchFixture *fixture, const char *path)
{
  if (path == NULL)
    return NULL;
  g_assert_true (g_str_has_prefix (path, fixture->dir));
  return g_strdup (path[strlen (fixture->dir)] == '/' ? path + strlen (fixture->dir) + 1 : "");
}

static gboolean
on_event (const FsEvent *event, gpointer data)
{
  WatchFixture *fixture = data;
  WatchSeen *seen;

  fixture->offered++;
  if (fixture->refuse || (fixture->refuse_each > 0 && fixture->offered % fixture->refuse_each == 0))
    {
      fixture->refused++;
      return FALSE;
    }
  seen = g_new (WatchSeen, 1);
  *seen = (WatchSeen){ event->kind,
                       relative (fixture, event->path),
                       relative (fixture, event->moved_to),
                       event->facts,
                       event->found,
                       event->complete,
                       event->moved,
                       event->folded };
  g_ptr_array_add (fixture->seen, seen);
  return TRUE;
}

static void
on_changed (gpointer data)
{
  WatchFixture *fixture = data;

  if (fixture->on_changed != NULL)
    fixture->on_changed (fixture);
}

void
watch_fixture_set_up (WatchFixture *fixture, gconstpointer data)
{
  g_autofree char *made = test_dir_new ();

  fixture->dir = realpath (made, NULL);
  fixture->seen = g_ptr_array_new_with_free_func (seen_free);
  fixture->settings = (FsWatchSettings){ .max_directories = 100, .max_entries = 1000, .check_ms = 20, .fold_ms = 50 };
  test_watchdog_start (g_test_get_path ());
}

void
watch_fixture_tear_down (WatchFixture *fixture, gconstpointer data)
{
  fs_watch_free (fixture->watch);
  test_watchdog_stop ();
  g_ptr_array_unref (fixture->seen);
  test_dir_remove (g_strdup (fixture->dir));
  free (fixture->dir);
}

void
watch_fixture_settle (WatchFixture *fixture)
{
  test_watchdog_note ("all scans are over");
  while (!fs_watch_is_settled (fixture->watch))
    g_main_context_iteration (NULL, TRUE);
  test_watchdog_note (NULL);
}

void
watch_fixture_watch (WatchFixture *fixture, const char *name, gboolean flat)
{
  const FsWatchReceiver receiver = { on_event, on_changed, fixture };
  g_autofree char *path = *name != '\0' ? watch_fixture_path (fixture, name) : g_strdup (fixture->dir);
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func ((GDestroyNotify) fs_root_free);

  if (fixture->watch == NULL)
    fixture->watch = fs_watch_new (&fixture->settings, &receiver);
  g_ptr_array_add (roots, fs_root_new (path, flat));
  fs_watch_set_roots (fixture->watch, roots);
  watch_fixture_settle (fixture);
}

char *
watch_fixture_path (const WatchFixture *fixture, const char *name)
{
  return g_build_filename (fixture->dir, name, NULL);
}

void
watch_fixture_mkdir (const WatchFixture *fixture, const char *name)
{
  g_autofree char *path = watch_fixture_path (fixture, name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

/* Writes in place, without creating another file. */
void
watch_fixture_put (const WatchFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = watch_fixture_path (fixture, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
  close (fd);
}

void
watch_fixture_rename (const WatchFixture *fixture, const char *from, const char *to)
{
  g_autofree char *old = watch_fixture_path (fixture, from);
  g_autofree char *new = watch_fixture_path (fixture, to);

  g_assert_cmpint (g_rename (old, new), ==, 0);
}

void
watch_fixture_unlink (const WatchFixture *fixture, const char *name)
{
  g_autofree char *path = watch_fixture_path (fixture, name);

  g_assert_cmpint (g_unlink (path), ==, 0);
}

void
watch_fixture_rmdir (const WatchFixture *fixture, const char *name)
{
  g_autofree char *path = watch_fixture_path (fixture, name);

  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static gboolean
seen_is (const WatchSeen *seen, FsEventKind kind, const char *name)
{
  return seen->kind == kind && g_strcmp0 (seen->path, name) == 0;
}

const WatchSeen *
watch_fixture_expect (WatchFixture *fixture, FsEventKind kind, const char *name)
{
  test_watchdog_note ("event %d of %s", (int) kind, name);
  for (;;)
    {
      while (fixture->next < fixture->seen->len)
        {
          const WatchSeen *seen = g_ptr_array_index (fixture->seen, fixture->next++);

          if (!seen_is (seen, kind, name))
            continue;
          test_watchdog_note (NULL);
          return seen;
        }
      g_main_context_iteration (NULL, TRUE);
    }
}

guint
watch_fixture_count (const WatchFixture *fixture, FsEventKind kind, const char *name)
{
  guint n = 0;

  for (guint i = 0; i < fixture->seen->len; i++)
    n += seen_is (g_ptr_array_index (fixture->seen, i), kind, name) ? 1 : 0;
  return n;
}

void
watch_fixture_catch_up (WatchFixture *fixture, const char *directory)
{
  static guint number;
  g_autofree char *name = g_strdup_printf ("%s%smark-%u", directory, *directory != '\0' ? "/" : "", ++number);

  watch_fixture_put (fixture, name, "");
  watch_fixture_expect (fixture, FS_EVENT_CREATED, name);
}
