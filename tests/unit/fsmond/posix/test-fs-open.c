/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-list.h"
#include "fs-open.h"
#include "test-dir.h"
#include "test-watchdog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* Tests of opening by path, both by the call of the kernel for whole paths and step by step. */

typedef struct
{
  FsOpenResult (*regular) (const char *path, int *fd, FsFacts *facts);
  FsOpenResult (*directory) (const char *path, int *fd);
} Way;

static const Way whole = { fs_open_regular, fs_open_directory };
static const Way steps = { fs_open_regular_by_steps, fs_open_directory_by_steps };

typedef struct
{
  char *dir;
  Way way;
} Fixture;

static char *
at (const Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->dir, name, NULL);
}

static void
put (const Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = at (fixture, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
make_directory (const Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

static void
link_to (const Fixture *fixture, const char *target, const char *name)
{
  g_autofree char *path = at (fixture, name);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

/* Resolves the path of the directory, because /tmp may be a link. */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *made = test_dir_new ();

  fixture->dir = realpath (made, NULL);
  fixture->way = *(const Way *) data;
  test_watchdog_start (g_test_get_path ());
  make_directory (fixture, "one/two");
  put (fixture, "one/two/file", "text");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  test_watchdog_stop ();
  test_dir_remove (g_strdup (fixture->dir));
  free (fixture->dir);
}

static FsOpenResult
open_file (const Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  FsFacts facts;
  int fd = -1;
  FsOpenResult result = fixture->way.regular (path, &fd, &facts);

  g_assert_true ((fd >= 0) == (result == FS_OPEN_DONE));
  if (fd >= 0)
    fs_close (fd);
  return result;
}

static FsOpenResult
open_dir (const Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  int fd = -1;
  FsOpenResult result = fixture->way.directory (path, &fd);

  g_assert_true ((fd >= 0) == (result == FS_OPEN_DONE));
  if (fd >= 0)
    fs_close (fd);
  return result;
}

static void
test_opens (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = at (fixture, "one/two/file");
  FsFacts facts;
  char text[8] = "";
  int fd;

  g_assert_cmpint (fixture->way.regular (path, &fd, &facts), ==, FS_OPEN_DONE);
  g_assert_cmpint (facts.kind, ==, FS_KIND_REGULAR);
  g_assert_cmpuint (facts.size, ==, 4);
  g_assert_cmpint (fs_read (fd, text, sizeof text), ==, 4);
  g_assert_cmpstr (text, ==, "text");
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  fs_close (fd);
  g_assert_cmpint (open_dir (fixture, "one/two"), ==, FS_OPEN_DONE);
  g_assert_cmpint (fixture->way.directory ("/", &fd), ==, FS_OPEN_DONE);
  fs_close (fd);
}

static void
test_symlinks (Fixture *fixture, gconstpointer data)
{
  link_to (fixture, "one", "first");
  link_to (fixture, "two", "one/second");
  link_to (fixture, "file", "one/two/third");
  link_to (fixture, "/nowhere", "one/two/dangling");
  g_assert_cmpint (open_file (fixture, "first/two/file"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_file (fixture, "one/second/file"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_file (fixture, "one/two/third"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_file (fixture, "one/two/dangling"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_dir (fixture, "first"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_dir (fixture, "first/two"), ==, FS_OPEN_SYMLINK);
  g_assert_cmpint (open_dir (fixture, "one/second"), ==, FS_OPEN_SYMLINK);
}

static void
test_not_regular (Fixture *fixture, gconstpointer data)
{
  g_autofree char *fifo = at (fixture, "one/fifo");
  g_autofree char *device = at (fixture, "one/device");

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (open_file (fixture, "one/fifo"), ==, FS_OPEN_NOT_REGULAR);
  g_assert_cmpint (open_file (fixture, "one/two"), ==, FS_OPEN_NOT_REGULAR);
  if (mknod (device, S_IFCHR | 0600, makedev (1, 3)) == 0)
    g_assert_cmpint (open_file (fixture, "one/device"), ==, FS_OPEN_NOT_REGULAR);
  else
    g_test_message ("devices are not tested: only root can make one");
}

static void
test_socket (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = at (fixture, "one/socket");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (open_file (fixture, "one/socket"), ==, FS_OPEN_NOT_REGULAR);
  close (fd);
}

static void
test_absent (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (open_file (fixture, "one/two/none"), ==, FS_OPEN_ABSENT);
  g_assert_cmpint (open_file (fixture, "none/two/file"), ==, FS_OPEN_ABSENT);
  g_assert_cmpint (open_file (fixture, "one/two/file/more"), ==, FS_OPEN_NOT_DIRECTORY);
  g_assert_cmpint (open_dir (fixture, "one/two/file"), ==, FS_OPEN_NOT_DIRECTORY);
  g_assert_cmpint (open_dir (fixture, "one/none"), ==, FS_OPEN_ABSENT);
}

/* Root may open every file, so the test needs another user. A directory in the path need not be readable. */
static void
test_rights (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = at (fixture, "one/two/file");
  g_autofree char *dir = at (fixture, "one");

  if (geteuid () == 0)
    {
      g_test_skip ("root may read everything");
      return;
    }
  g_assert_cmpint (chmod (dir, 0100), ==, 0);
  g_assert_cmpint (open_file (fixture, "one/two/file"), ==, FS_OPEN_DONE);
  g_assert_cmpint (open_dir (fixture, "one"), ==, FS_OPEN_DENIED);
  g_assert_cmpint (chmod (dir, 0700), ==, 0);
  g_assert_cmpint (chmod (file, 0), ==, 0);
  g_assert_cmpint (open_file (fixture, "one/two/file"), ==, FS_OPEN_DENIED);
}

/* --- a component that is swapped --- */

typedef struct
{
  const Fixture *fixture;
  gint stop;
} Swapper;

/* Makes one/two alternately the directory and a link to the secret directory. */
static gpointer
swap (gpointer data)
{
  Swapper *self = data;
  g_autofree char *two = at (self->fixture, "one/two");
  g_autofree char *kept = at (self->fixture, "one/kept");
  g_autofree char *link = at (self->fixture, "one/link");

  while (!g_atomic_int_get (&self->stop))
    {
      g_assert_cmpint (rename (two, kept), ==, 0);
      g_assert_cmpint (rename (link, two), ==, 0);
      g_assert_cmpint (rename (two, link), ==, 0);
      g_assert_cmpint (rename (kept, two), ==, 0);
    }
  return NULL;
}

/* Each open returns the right file or fails. */
static void
test_swapped (Fixture *fixture, gconstpointer data)
{
  Swapper swapper = { fixture, 0 };
  g_autofree char *path = at (fixture, "one/two/file");
  g_autofree char *secret = at (fixture, "secret");
  GThread *thread;
  FsFacts right;
  guint opened = 0, refused = 0;

  make_directory (fixture, "secret");
  put (fixture, "secret/file", "secret text");
  link_to (fixture, secret, "one/link");
  g_assert_true (fs_facts_at (AT_FDCWD, path, &right));
  thread = g_thread_new ("swap", swap, &swapper);
  while (opened < 200 || refused < 200)
    {
      FsFacts facts;
      int fd;

      if (fixture->way.regular (path, &fd, &facts) != FS_OPEN_DONE)
        {
          refused++;
          continue;
        }
      g_assert_cmpuint (facts.inode, ==, right.inode);
      fs_close (fd);
      opened++;
    }
  g_atomic_int_set (&swapper.stop, 1);
  g_thread_join (thread);
}

/* --- lists --- */

static void
test_list (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = at (fixture, "one");
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (FsList) list = NULL;
  const char *name;
  FsFacts facts;
  int fd;

  put (fixture, "one/file", "");
  link_to (fixture, "file", "one/link");
  g_assert_cmpint (fixture->way.directory (path, &fd), ==, FS_OPEN_DONE);
  list = fs_list_new (fd);
  while (fs_list_next (list, &name, &facts) == FS_LIST_ENTRY)
    g_hash_table_insert (found, g_strdup (name), GINT_TO_POINTER (facts.kind));
  g_assert_cmpuint (g_hash_table_size (found), ==, 3);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (found, "two")), ==, FS_KIND_DIRECTORY);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (found, "file")), ==, FS_KIND_REGULAR);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (found, "link")), ==, FS_KIND_SYMLINK);
}

static const struct
{
  const char *name;
  void (*func) (Fixture *fixture, gconstpointer data);
} tests[] = {
  { "opens", test_opens },
  { "refuses-a-link-at-each-component", test_symlinks },
  { "refuses-irregular-files", test_not_regular },
  { "refuses-a-socket", test_socket },
  { "names-absent-files", test_absent },
  { "needs-no-more-rights-than-the-file-does", test_rights },
  { "never-follows-a-component-that-is-swapped", test_swapped },
  { "lists-a-directory", test_list },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *by_call = g_strconcat ("/fsmond/open/whole/", tests[i].name, NULL);
      g_autofree char *by_steps = g_strconcat ("/fsmond/open/steps/", tests[i].name, NULL);

      g_test_add (by_call, Fixture, &whole, set_up, tests[i].func, tear_down);
      g_test_add (by_steps, Fixture, &steps, set_up, tests[i].func, tear_down);
    }
  return g_test_run ();
}
