/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-watch.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* The watch of the socket in its directory: its reports, also when the directory is replaced. */

typedef struct
{
  char *parent;
  char *directory;
  char *path;
  DeyeBusWatch *watch;
} Watched;

static void
set_up (Watched *f, gconstpointer data)
{
  f->parent = g_dir_make_tmp ("deye-bus-XXXXXX", NULL);
  f->directory = g_build_filename (f->parent, "run", NULL);
  f->path = g_build_filename (f->directory, "s", NULL);
  g_assert_cmpint (g_mkdir (f->directory, 0700), ==, 0);
  f->watch = deye_bus_watch_open (f->path);
}

static void
tear_down (Watched *f, gconstpointer data)
{
  deye_bus_watch_close (f->watch);
  g_unlink (f->path);
  g_rmdir (f->directory);
  g_rmdir (f->parent);
  g_free (f->path);
  g_free (f->directory);
  g_free (f->parent);
}

static void
make (const char *path)
{
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

/* FALSE: the system has no such watch. */
static gboolean
is_possible (const Watched *f)
{
  if (f->watch == NULL)
    g_test_skip ("this system has no watch");
  return f->watch != NULL;
}

static void
test_created (Watched *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->directory, "other", NULL);

  if (!is_possible (f))
    return;
  g_assert_cmpint (deye_bus_watch_fd (f->watch), >=, 0);
  g_assert_false (deye_bus_watch_read (f->watch));
  g_assert_cmpint (g_mkdir (other, 0700), ==, 0);
  g_assert_false (deye_bus_watch_read (f->watch));
  make (f->path);
  g_assert_true (deye_bus_watch_read (f->watch));
  g_assert_false (deye_bus_watch_read (f->watch));
  g_assert_cmpint (g_chmod (f->path, 0600), ==, 0);
  g_assert_true (deye_bus_watch_read (f->watch));
  deye_bus_watch_renew (f->watch); /* the same directory: nothing changes */
  g_assert_false (deye_bus_watch_read (f->watch));
  g_rmdir (other);
}

static void
remove_directory (Watched *f)
{
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
}

/* Renames the directory. A socket in the renamed directory is not at the client's address. */
static void
rename_directory (Watched *f)
{
  g_autofree char *old = g_build_filename (f->parent, "old", NULL);
  g_autofree char *stale = g_build_filename (old, "s", NULL);

  g_assert_cmpint (g_rename (f->directory, old), ==, 0);
  g_assert_true (deye_bus_watch_read (f->watch));
  g_assert_cmpint (g_mkdir (f->directory, 0700), ==, 0);
  deye_bus_watch_renew (f->watch);
  make (stale);
  g_assert_false (deye_bus_watch_read (f->watch));
  g_unlink (stale);
  g_rmdir (old);
  g_rmdir (f->directory);
}

/* The socket is noticed in the new directory. */
static void
test_replaced (Watched *f, gconstpointer data)
{
  void (*take_away) (Watched *) = data;

  if (!is_possible (f))
    return;
  take_away (f);
  deye_bus_watch_read (f->watch);
  deye_bus_watch_renew (f->watch); /* there is no directory */
  g_assert_cmpint (g_mkdir (f->directory, 0700), ==, 0);
  deye_bus_watch_renew (f->watch);
  g_assert_false (deye_bus_watch_read (f->watch));
  make (f->path);
  g_assert_true (deye_bus_watch_read (f->watch));
}

/* There is no directory at first. */
static void
test_made_later (Watched *f, gconstpointer data)
{
  if (!is_possible (f))
    return;
  deye_bus_watch_close (f->watch);
  remove_directory (f);
  f->watch = deye_bus_watch_open (f->path);
  g_assert_nonnull (f->watch);
  g_assert_false (deye_bus_watch_read (f->watch));
  g_assert_cmpint (g_mkdir (f->directory, 0700), ==, 0);
  deye_bus_watch_renew (f->watch);
  make (f->path);
  g_assert_true (deye_bus_watch_read (f->watch));
}

#define ADD(path, data, test) g_test_add ("/client/watch/" path, Watched, data, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M16-created", NULL, test_created);
  ADD ("M16-replaced/removed", remove_directory, test_replaced);
  ADD ("M16-replaced/renamed", rename_directory, test_replaced);
  ADD ("M16-made-later", NULL, test_made_later);
  return g_test_run ();
}
