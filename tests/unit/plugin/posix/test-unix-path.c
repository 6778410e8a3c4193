/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/unix-watch.h"

#include "listener.h"
#include "test-watchdog.h"

#include <glib/gstdio.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The address of a broker whose files or directories are changed by others: where the broker refuses to listen, how it detects a
 * loss, and which files it removes. The timer of the watch does not run here; the tests call unix_watch_check().
 */

typedef struct
{
  char *top; /* contains everything that a test creates */
  char *directory;
  char *address;
  char *lock;
  UnixPath place;
  int fd;
  UnixWatch *watch;
  GString *events; /* one letter each: L lost, N not restored, R restored, K lock restored */
  char *text;      /* of the last event that has one */
} Fixture;

static void
on_moved (gpointer user, int fd)
{
  Fixture *f = user;

  close (f->fd);
  f->fd = fd;
}

static void
on_report (gpointer user, UnixWatchEvent event, const char *text)
{
  Fixture *f = user;

  g_test_message ("%c %s", "LNRK"[event], text != NULL ? text : "");
  g_string_append_c (f->events, "LNRK"[event]);
  g_assert_cmpint (text == NULL, ==, event == UNIX_WATCH_RESTORED);
  if (text == NULL)
    return;
  g_free (f->text);
  f->text = g_strdup (text);
}

static const UnixWatchHandler handler = { on_moved, on_report };

static int
start (UnixPath *place, const char *address, GError **error)
{
  unix_path_init (place, address, NULL);
  return unix_path_listen (place, error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_watchdog_start (g_test_get_path ());
  f->top = g_dir_make_tmp ("deye-XXXXXX", NULL);
  f->directory = g_build_filename (f->top, "parent", "bus", NULL);
  f->address = g_build_filename (f->directory, "bus.sock", NULL);
  f->lock = g_strconcat (f->address, ".lock", NULL);
  f->events = g_string_new (NULL);
  f->fd = start (&f->place, f->address, &error);
  g_assert_no_error (error);
  f->watch = unix_watch_new (NULL, &f->place, &handler, f);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_all (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  unix_watch_free (f->watch);
  unix_path_clear (&f->place);
  close (f->fd);
  if (f->directory != NULL)
    g_assert_false (g_file_test (f->address, G_FILE_TEST_EXISTS));
  remove_all (f->top);
  g_string_free (f->events, TRUE);
  g_free (f->text);
  g_free (f->top);
  g_free (f->directory);
  g_free (f->address);
  g_free (f->lock);
  test_watchdog_stop ();
}

/* TRUE: a client that connects to the address reaches the listening socket @fd. */
static gboolean
leads_to (const char *path, int fd)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int client = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer = -1;
  gboolean connects;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  connects = connect (client, (const struct sockaddr *) &address, sizeof address) == 0;
  if (connects)
    peer = accept (fd, NULL, NULL);
  close (client);
  return peer >= 0 && close (peer) == 0;
}

static void
assert_private (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_lstat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
}

/* The broker serves its address, and no other can start there. */
static void
assert_in_place (Fixture *f, const char *events)
{
  g_autoptr (GError) error = NULL;
  UnixPath other;

  g_assert_cmpstr (f->events->str, ==, events);
  g_assert_true (leads_to (f->address, f->fd));
  assert_private (f->address);
  assert_private (f->lock);
  g_assert_cmpint (start (&other, f->address, &error), ==, -1);
  g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_IN_USE);
  unix_path_clear (&other);
  unix_watch_check (f->watch);
  g_assert_cmpstr (f->events->str, ==, events);
}

/* --- files that a cleaner removes --- */

static void
test_nothing_removed (Fixture *f, gconstpointer data)
{
  unix_watch_check (f->watch);
  assert_in_place (f, "");
}

static void
test_socket_removed (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  unix_watch_check (f->watch);
  assert_in_place (f, "LR");
  g_assert_nonnull (strstr (f->text, "was removed"));
}

static void
test_lock_removed (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->lock), ==, 0);
  unix_watch_check (f->watch);
  assert_in_place (f, "K");
}

static void
test_both_removed (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  g_assert_cmpint (g_unlink (f->lock), ==, 0);
  unix_watch_check (f->watch);
  assert_in_place (f, "LR");
}

static void
test_directory_removed (Fixture *f, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (f->directory);

  remove_all (parent);
  unix_watch_check (f->watch);
  assert_in_place (f, "LR");
}

/* The owner removes its own files from the old directory, and nothing else. */
static void
test_directory_moved (Fixture *f, gconstpointer data)
{
  g_autofree char *away = g_build_filename (f->top, "away", NULL);
  g_autofree char *note = g_build_filename (away, "note", NULL);

  g_assert_cmpint (g_rename (f->directory, away), ==, 0);
  g_assert_true (g_file_set_contents (note, "", 0, NULL));
  unix_watch_check (f->watch);
  assert_in_place (f, "LR");
  g_assert_cmpint (g_unlink (note), ==, 0);
  g_assert_cmpint (g_rmdir (away), ==, 0);
}

static void
test_removed_again_and_again (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      g_string_truncate (f->events, 0);
      g_assert_cmpint (g_unlink (f->address), ==, 0);
      unix_watch_check (f->watch);
      assert_in_place (f, "LR");
    }
}

/* When a broker ends after a cleaner has removed its files, the remaining files are removed, and no lock prevents a new start. */
static void
test_end_after_cleaner (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->lock), ==, 0);
  unix_path_clear (&f->place);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_clear_pointer (&f->directory, g_free);
}

/* The clients of the broker are members of a group: restored files have the rights for this group. */
static void
test_group (Fixture *f, gconstpointer data)
{
  const struct group *group = getgrgid (getegid ());
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_build_filename (f->directory, "group", "s", NULL);
  g_autofree char *directory = g_path_get_dirname (address);
  UnixPath place;
  int fd;

  if (group == NULL)
    {
      g_test_skip ("the group of this process has no name");
      return;
    }
  unix_path_init (&place, address, group->gr_name);
  fd = unix_path_listen (&place, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      GStatBuf st;

      g_assert_cmpint (g_lstat (address, &st), ==, 0);
      g_assert_cmpuint (st.st_mode & 07777, ==, 0660);
      g_assert_cmpuint (st.st_gid, ==, getegid ());
      g_assert_cmpint (g_lstat (directory, &st), ==, 0);
      g_assert_cmpuint (st.st_mode & 07777, ==, 0710);
      remove_all (directory);
      close (fd);
      fd = unix_path_restore (&place, &error);
      g_assert_no_error (error);
    }
  unix_path_clear (&place);
  close (fd);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_no_such_group (Fixture *f, gconstpointer data)
{
  g_autofree char *address = g_build_filename (f->top, "group", "s", NULL);
  g_autofree char *directory = g_path_get_dirname (address);
  g_autoptr (GError) error = NULL;
  UnixPath place;

  unix_path_init (&place, address, "no-such-group");
  g_assert_cmpint (unix_path_listen (&place, &error), ==, -1);
  g_assert_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS);
  unix_path_clear (&place);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

/* --- obstacles to the restoration of the address --- */

static void
test_file_in_the_way (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  g_assert_true (g_file_set_contents (f->address, "mine", -1, NULL));
  for (guint i = 0; i < 3; i++)
    unix_watch_check (f->watch);
  g_assert_cmpstr (f->events->str, ==, "LN");
  g_assert_nonnull (strstr (f->text, "is not a socket"));
  g_assert_true (g_file_test (f->address, G_FILE_TEST_IS_REGULAR));
  g_assert_true (unix_lock_is_held (f->place.lock, f->place.directory_fd, f->place.lock_name));
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  unix_watch_check (f->watch);
  assert_in_place (f, "LNR");
}

static void
test_directory_opened (Fixture *f, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (f->directory);

  g_assert_cmpint (g_unlink (f->address), ==, 0);
  g_assert_cmpint (g_chmod (parent, 0777), ==, 0);
  unix_watch_check (f->watch);
  g_assert_cmpstr (f->events->str, ==, "LN");
  g_assert_nonnull (strstr (f->text, parent));
  g_assert_cmpint (g_chmod (parent, 0755), ==, 0);
  g_assert_cmpint (g_chmod (f->directory, 0770), ==, 0);
  unix_watch_check (f->watch);
  g_assert_cmpstr (f->events->str, ==, "LNN"); /* reported again, for another reason */
  g_assert_cmpint (g_chmod (f->directory, 0700), ==, 0);
  unix_watch_check (f->watch);
  assert_in_place (f, "LNNR");
}

/* The directory was replaced, and another broker has started there. The end of the first broker does not remove its files. */
static void
test_another_broker (Fixture *f, gconstpointer data)
{
  g_autofree char *away = g_build_filename (f->top, "away", NULL);
  g_autoptr (GError) error = NULL;
  UnixPath other;
  int fd;

  g_assert_cmpint (g_rename (f->directory, away), ==, 0);
  fd = start (&other, f->address, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    unix_watch_check (f->watch);
  g_assert_cmpstr (f->events->str, ==, "LN");
  g_assert_nonnull (strstr (f->text, "another broker runs"));
  if (data != NULL) /* the first one ends */
    {
      unix_path_clear (&f->place);
      g_assert_cmpint (g_rmdir (away), ==, 0);
      g_assert_true (leads_to (f->address, fd));
      g_assert_true (unix_lock_is_held (other.lock, other.directory_fd, other.lock_name));
      unix_path_clear (&other);
    }
  else
    {
      unix_path_clear (&other);
      unix_watch_check (f->watch);
      assert_in_place (f, "LNR");
    }
  close (fd);
}

/* A broker that ends removes its lock file before it releases the lock. The starter that has the removed file open is not refused
 * for that. */
static void
test_lock_of_one_that_ends (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  UnixPath other;
  int fd;

  unix_path_init (&other, f->address, NULL);
  while (other.next != UNIX_PATH_STEP_TAKE_LOCK)
    g_assert_cmpint (unix_path_step (&other, NULL), ==, UNIX_PATH_CONTINUES);
  while (g_file_test (f->lock, G_FILE_TEST_EXISTS))
    g_assert_true (unix_path_end_step (&f->place));
  fd = unix_path_listen (&other, &error);
  g_assert_no_error (error);
  unix_path_clear (&f->place);
  g_assert_true (leads_to (f->address, fd));
  g_assert_true (unix_lock_is_held (other.lock, other.directory_fd, other.lock_name));
  unix_path_clear (&other);
  close (fd);
}

/* The descriptors are closed on exec, not on fork. A child that only forked keeps them open, but it has no part in the lock. */
static void
test_forked_child (Fixture *f, gconstpointer data)
{
  g_autofree char *copy = g_build_filename (f->directory, "copy", NULL);
  g_autoptr (GError) error = NULL;
  UnixPath other;
  int hold[2], fd;
  pid_t child;

  g_assert_cmpint (link (f->lock, copy), ==, 0);
  g_assert_cmpint (pipe (hold), ==, 0);
  child = fork ();
  if (child == 0)
    {
      char byte;

      close (hold[1]);
      _exit (read (hold[0], &byte, 1) == 0 ? 0 : 1);
    }
  close (hold[0]);
  unix_path_clear (&f->place);
  g_assert_cmpint (g_rename (copy, f->lock), ==, 0); /* the file that the child has open */
  fd = start (&other, f->address, &error);
  g_assert_no_error (error);
  unix_path_clear (&other);
  close (fd);
  close (hold[1]);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
}

/* --- places --- */

static void
assert_refused (const char *address, ListenerError code, const char *culprit, const char *reason)
{
  g_autoptr (GError) error = NULL;
  UnixPath place;

  g_assert_cmpint (start (&place, address, &error), ==, -1);
  g_assert_error (error, LISTENER_ERROR, (gint) code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, culprit));
  g_assert_nonnull (strstr (error->message, reason));
  unix_path_clear (&place);
}

static void
test_writable_parent (Fixture *f, gconstpointer data)
{
  static const guint modes[] = { 0777, 0775, 0757, 01777, 0722 };
  g_autofree char *parent = g_build_filename (f->top, "open", NULL);
  g_autofree char *directory = g_build_filename (parent, "between", "own", NULL);
  g_autofree char *address = g_build_filename (directory, "bus.sock", NULL);

  g_assert_cmpint (g_mkdir (parent, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *reason = g_strdup_printf ("owner uid %u, mode %04o", (guint) geteuid (), modes[i]);

      if (modes[i] == 01777 && geteuid () == 0)
        continue; /* like /tmp */
      g_assert_cmpint (g_chmod (parent, (int) modes[i]), ==, 0);
      assert_refused (address, LISTENER_ERROR_ADDRESS, parent, reason);
      g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
    }
}

static void
test_linked_parent (Fixture *f, gconstpointer data)
{
  g_autofree char *open = g_build_filename (f->top, "open", NULL);
  g_autofree char *link = g_build_filename (f->top, "link", NULL);
  g_autofree char *in_open = g_build_filename (open, "own", NULL);
  g_autofree char *through_link = g_build_filename (link, "deep", "bus.sock", NULL);
  g_autofree char *below_link = g_build_filename (link, "bus.sock", NULL);
  g_autoptr (GError) error = NULL;
  UnixPath place;
  int fd;

  g_assert_cmpint (g_mkdir (open, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (in_open, 0700), ==, 0);
  g_assert_cmpint (symlink ("open/own", link), ==, 0);
  fd = start (&place, through_link, &error);
  g_assert_no_error (error);
  unix_path_clear (&place);
  close (fd);
  g_assert_cmpint (g_chmod (open, 0777), ==, 0);
  assert_refused (through_link, LISTENER_ERROR_ADDRESS, open, "other users can write");
  g_assert_cmpint (g_chmod (open, 0755), ==, 0);
  assert_refused (below_link, LISTENER_ERROR_ADDRESS, link, "symbolic link");
}

static void
test_foreign_parent (Fixture *f, gconstpointer data)
{
  g_autofree char *parent = g_build_filename (f->top, "foreign", NULL);
  g_autofree char *directory = g_build_filename (parent, "own", NULL);
  g_autofree char *address = g_build_filename (directory, "bus.sock", NULL);
  g_autofree char *link = g_build_filename (f->top, "planted", NULL);
  g_autofree char *through_link = g_build_filename (link, "deep", "bus.sock", NULL);

  if (geteuid () != 0)
    {
      g_test_skip ("needs root, to give a directory to another user");
      return;
    }
  g_assert_cmpint (g_mkdir (parent, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (chown (parent, 65533, 65533), ==, 0);
  assert_refused (address, LISTENER_ERROR_ADDRESS, parent, "belongs to uid 65533 (mode 0755)");
  g_assert_cmpint (symlink (f->directory, link), ==, 0);
  g_assert_cmpint (lchown (link, 65533, 65533), ==, 0);
  assert_refused (through_link, LISTENER_ERROR_ADDRESS, link, "belongs to uid 65533");
  g_assert_cmpint (chown (parent, 0, 0), ==, 0);
  g_assert_cmpint (chown (directory, 65533, 65533), ==, 0);
  assert_refused (address, LISTENER_ERROR_ADDRESS, directory, "belongs to uid 65533 (mode 0700)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function) g_test_add ("/unix-path/" path, Fixture, data, set_up, function, tear_down)
  ADD ("A13-nothing-removed", NULL, test_nothing_removed);
  ADD ("A13-socket-removed", NULL, test_socket_removed);
  ADD ("A13-lock-removed", NULL, test_lock_removed);
  ADD ("A13-both-removed", NULL, test_both_removed);
  ADD ("A13-directory-removed", NULL, test_directory_removed);
  ADD ("A13-directory-moved", NULL, test_directory_moved);
  ADD ("A13-removed-again-and-again", NULL, test_removed_again_and_again);
  ADD ("A13-end-after-cleaner", NULL, test_end_after_cleaner);
  ADD ("A13-group", NULL, test_group);
  ADD ("A12-no-such-group", NULL, test_no_such_group);
  ADD ("A13-file-in-the-way", NULL, test_file_in_the_way);
  ADD ("A12-directory-opened", NULL, test_directory_opened);
  ADD ("A13-another-broker-ends-first", NULL, test_another_broker);
  ADD ("A13-another-broker-ends-last", "last", test_another_broker);
  ADD ("A13-lock-of-one-that-ends", NULL, test_lock_of_one_that_ends);
  ADD ("A13-forked-child", NULL, test_forked_child);
  ADD ("A12-writable-parent", NULL, test_writable_parent);
  ADD ("A12-linked-parent", NULL, test_linked_parent);
  ADD ("A12-foreign-parent", NULL, test_foreign_parent);
  return g_test_run ();
}
