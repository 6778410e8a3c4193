/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/deye-bus-trust.h"

#include "deye-bus-error.h"
#include "deye-bus-socket.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Each reason for which a client refuses the server at an address.
 *
 * The rule about servers is tested as a table, which any user can run. The tests with servers of other users need root: they
 * change the effective user of this process, from which the kernel takes the user of a server.
 */

#define OWN    1000
#define SERVER 1001
#define OTHER  1002

/* --- the rule --- */

static void
test_rule (void)
{
  static const struct stat socket_of_server = { .st_mode = S_IFSOCK | 0660, .st_uid = SERVER };
  static const struct stat socket_of_other = { .st_mode = S_IFSOCK | 0660, .st_uid = OTHER };
  static const struct stat link_of_server = { .st_mode = S_IFLNK | 0777, .st_uid = SERVER };
  static const struct
  {
    uid_t server, own;
    PlatformTrustProblem place;
    const struct stat *file;
    DeyeBusTrust trust;
  } cases[] = {
    { 0, OWN, PLATFORM_TRUST_WRITABLE, NULL, DEYE_BUS_TRUST_GOOD },
    { 0, 0, PLATFORM_TRUST_WRITABLE, NULL, DEYE_BUS_TRUST_GOOD },
    { OWN, OWN, PLATFORM_TRUST_FOREIGN, NULL, DEYE_BUS_TRUST_GOOD },
    { SERVER, OWN, PLATFORM_TRUST_GOOD, &socket_of_server, DEYE_BUS_TRUST_GOOD },
    { SERVER, 0, PLATFORM_TRUST_GOOD, &socket_of_server, DEYE_BUS_TRUST_ROOT_ONLY },
    { SERVER, OWN, PLATFORM_TRUST_FOREIGN, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_WRITABLE, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_MISSING, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_LINKS, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_NO_DIRECTORY, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_UNKNOWN, &socket_of_server, DEYE_BUS_TRUST_PLACE },
    { SERVER, OWN, PLATFORM_TRUST_GOOD, &socket_of_other, DEYE_BUS_TRUST_SOCKET },
    { SERVER, OWN, PLATFORM_TRUST_GOOD, &link_of_server, DEYE_BUS_TRUST_SOCKET },
    { SERVER, OWN, PLATFORM_TRUST_GOOD, NULL, DEYE_BUS_TRUST_SOCKET },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (deye_bus_trust_judge (cases[i].server, cases[i].own, cases[i].place, cases[i].file), ==,
                     cases[i].trust);
}

/* --- real sockets --- */

typedef struct
{
  char *top;       /* of root, or of the user of the test */
  char *directory; /* of the server */
  char *address;
  int listener;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->top = g_dir_make_tmp ("deye-trust-XXXXXX", NULL);
  f->directory = g_build_filename (f->top, "bus", NULL);
  f->address = g_build_filename (f->directory, "s", NULL);
  f->listener = -1;
  g_assert_cmpint (g_chmod (f->top, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (f->directory, 0755), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->listener >= 0)
    close (f->listener);
  g_remove (f->address);
  g_remove (f->directory);
  g_assert_cmpint (g_rmdir (f->top), ==, 0);
  g_free (f->top);
  g_free (f->directory);
  g_free (f->address);
}

static void
switch_user (uid_t uid)
{
  g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (seteuid (uid), ==, 0);
}

static int
listen_at (const char *path, int type)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 4), ==, 0);
  return fd;
}

/* A server of user SERVER in a directory of its own, which any user may reach. */
static void
serve (Fixture *f)
{
  g_assert_cmpint (chown (f->directory, SERVER, SERVER), ==, 0);
  switch_user (SERVER);
  f->listener = listen_at (f->address, SOCK_STREAM);
  g_assert_cmpint (g_chmod (f->address, 0666), ==, 0);
  switch_user (0);
}

static void
assert_open (const char *address, gint code, const char *text)
{
  g_autoptr (GError) error = NULL;
  gboolean again = FALSE;
  DeyeBusSocket socket = deye_bus_socket_open (address, &again, &error);

  g_assert_false (again);
  if (code == 0)
    {
      g_assert_no_error (error);
      deye_bus_socket_close (&socket);
      return;
    }
  g_assert_cmpint (socket, ==, DEYE_BUS_SOCKET_NONE);
  g_assert_error (error, DEYE_BUS_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, text));
}

static void
assert_open_as (uid_t uid, const char *address, gint code, const char *text)
{
  switch_user (uid);
  assert_open (address, code, text);
  switch_user (0);
}

static void
test_no_value_exists (Fixture *f, gconstpointer data)
{
  assert_open (f->address, DEYE_BUS_ERROR_NO_BROKER, "No broker listens");
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  assert_open (f->address, DEYE_BUS_ERROR_NO_BROKER, "No broker listens");
}

static void
test_stale (Fixture *f, gconstpointer data)
{
  close (listen_at (f->address, SOCK_STREAM));
  assert_open (f->address, DEYE_BUS_ERROR_NO_BROKER, "No broker listens");
}

static void
test_not_a_socket (Fixture *f, gconstpointer data)
{
  assert_open (f->directory, DEYE_BUS_ERROR_NO_BROKER, "is not a socket");
  g_assert_true (g_file_set_contents (f->address, "x", 1, NULL));
  assert_open (f->address, DEYE_BUS_ERROR_NO_BROKER, "is not a socket");
}

static void
test_another_kind (Fixture *f, gconstpointer data)
{
  f->listener = listen_at (f->address, SOCK_DGRAM);
  assert_open (f->address, DEYE_BUS_ERROR_NO_BROKER, "Can't connect");
}

static void
test_length (Fixture *f, gconstpointer data)
{
  gsize longest = sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1;
  g_autofree char *slashes = g_strnfill (longest - strlen (f->directory) - 1, '/');
  g_autofree char *longest_path = g_strconcat (f->directory, slashes, "s", NULL);
  g_autofree char *longer_path = g_strconcat (f->directory, slashes, "/s", NULL);

  assert_open (longest_path, DEYE_BUS_ERROR_NO_BROKER, "No broker listens");
  assert_open (longer_path, DEYE_BUS_ERROR_LIMIT, "too long");
  assert_open (longer_path, DEYE_BUS_ERROR_LIMIT, "setting $DAEMONEYE_BROKER_SOCKET)");
  assert_open ("", DEYE_BUS_ERROR_LIMIT, "empty");
  assert_open (NULL, DEYE_BUS_ERROR_NO_BROKER, "No broker listens");
}

static void
test_own_server (Fixture *f, gconstpointer data)
{
  f->listener = listen_at (f->address, SOCK_STREAM);
  assert_open (f->address, 0, NULL);
  g_assert_cmpint (g_chmod (f->directory, 0777), ==, 0);
  assert_open (f->address, 0, NULL); /* the kernel reports the user */
}

/* --- servers of other users --- */

static void
test_server_of_root (Fixture *f, gconstpointer data)
{
  f->listener = listen_at (f->address, SOCK_STREAM);
  g_assert_cmpint (g_chmod (f->address, 0666), ==, 0);
  assert_open_as (OWN, f->address, 0, NULL);
  g_assert_cmpint (g_chmod (f->address, 0600), ==, 0);
  assert_open_as (OWN, f->address, DEYE_BUS_ERROR_DENIED, "No access");
}

/* An unprivileged broker, at a place that root has given to it. */
static void
test_server_in_its_place (Fixture *f, gconstpointer data)
{
  serve (f);
  assert_open_as (OWN, f->address, 0, NULL);
  assert_open_as (SERVER, f->address, 0, NULL);
  g_assert_cmpint (chdir (f->top), ==, 0);
  assert_open_as (OWN, "bus/s", 0, NULL);
  g_assert_cmpint (chdir ("/"), ==, 0);
}

/* The same in the home directory of a user. */
static void
test_client_of_root (Fixture *f, gconstpointer data)
{
  serve (f);
  assert_open_as (0, f->address, DEYE_BUS_ERROR_UNTRUSTED, "root trusts only servers of root");
  g_assert_cmpint (chown (f->directory, 0, 0), ==, 0);
  assert_open_as (0, f->address, DEYE_BUS_ERROR_UNTRUSTED, "root trusts only servers of root");
}

static void
test_foreign_directory (Fixture *f, gconstpointer data)
{
  g_autofree char *shown = g_strdup_printf ("“%s” belongs to user %u and has mode 0755", f->directory, OTHER);

  serve (f);
  g_assert_cmpint (chown (f->directory, OTHER, OTHER), ==, 0);
  assert_open_as (OWN, f->address, DEYE_BUS_ERROR_UNTRUSTED, shown);
}

static void
test_writable_directory (Fixture *f, gconstpointer data)
{
  static const int modes[] = { 0777, 0775, 0757, 01777 };

  serve (f);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *shown
          = g_strdup_printf ("“%s” belongs to user %u and has mode %04o", f->directory, SERVER, modes[i]);

      g_assert_cmpint (g_chmod (f->directory, modes[i]), ==, 0);
      assert_open_as (OWN, f->address, DEYE_BUS_ERROR_UNTRUSTED, shown);
    }
}

static void
test_bad_parent (Fixture *f, gconstpointer data)
{
  static const struct
  {
    uid_t uid;
    int mode;
    const char *culprit; /* NULL: the directory; else the parent */
  } cases[] = {
    { 0, 0777, "parent" },     { 0, 0775, "parent" },
    { 0, 01777, NULL }, /* like /tmp: any user can create a directory there */
    { OTHER, 0755, "parent" }, { SERVER, 0777, "parent" },
  };

  serve (f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shown
          = g_strdup_printf ("“%s” belongs to user", cases[i].culprit != NULL ? f->top : f->directory);

      g_assert_cmpint (chown (f->top, cases[i].uid, cases[i].uid), ==, 0);
      g_assert_cmpint (g_chmod (f->top, cases[i].mode), ==, 0);
      assert_open_as (OWN, f->address, DEYE_BUS_ERROR_UNTRUSTED, shown);
    }
  g_assert_cmpint (g_chmod (f->top, 0755), ==, 0);
}

static void
test_foreign_socket (Fixture *f, gconstpointer data)
{
  serve (f);
  g_assert_cmpint (chown (f->address, OTHER, OTHER), ==, 0);
  assert_open_as (OWN, f->address, DEYE_BUS_ERROR_UNTRUSTED, "is not a socket of that user");
}

static void
test_linked_socket (Fixture *f, gconstpointer data)
{
  g_autofree char *real = g_build_filename (f->top, "real", NULL);

  serve (f);
  g_assert_cmpint (g_rename (f->address, real), ==, 0);
  g_assert_cmpint (symlink (real, f->address), ==, 0);
  assert_open_as (OWN, f->address, DEYE_BUS_ERROR_UNTRUSTED, "is not a socket of that user");
  g_assert_cmpint (g_unlink (real), ==, 0);
}

static void
test_linked_directory (Fixture *f, gconstpointer data)
{
  g_autofree char *link = g_build_filename (f->top, "link", NULL);
  g_autofree char *address = g_build_filename (link, "s", NULL);

  serve (f);
  g_assert_cmpint (symlink ("bus", link), ==, 0);
  assert_open_as (OWN, address, 0, NULL);
  g_assert_cmpint (lchown (link, OTHER, OTHER), ==, 0);
  assert_open_as (OWN, address, DEYE_BUS_ERROR_UNTRUSTED, link);
  g_assert_cmpint (g_unlink (link), ==, 0);
}

static void
test_as_root (Fixture *f, gconstpointer data)
{
  void (*function) (Fixture *, gconstpointer) = (void (*) (Fixture *, gconstpointer)) data;

  if (geteuid () == 0)
    function (f, NULL);
  else
    g_test_skip ("needs root, to run servers of other users");
}

/* The descriptor is not a socket, so the kernel reports no user, as on some systems. */
static void
test_unknown_user (void)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, &error));
  g_assert_no_error (error);
  g_assert_false (deye_bus_trust_check (fds[0], "/run/x/s", &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNTRUSTED);
  g_assert_nonnull (strstr (error->message, "/run/x/s"));
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  setenv ("LC_ALL", "C", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/trust/A12-rule", test_rule);
  g_test_add_func ("/client/trust/A12-unknown-user", test_unknown_user);
#define ADD(path, function) g_test_add ("/client/trust/A12-" path, Fixture, NULL, set_up, function, tear_down)
#define ADD_AS_ROOT(path, function)                                                                                    \
  g_test_add ("/client/trust/A12-" path, Fixture, (gconstpointer) function, set_up, test_as_root, tear_down)
  ADD ("no-value-exists", test_no_value_exists);
  ADD ("stale", test_stale);
  ADD ("not-a-socket", test_not_a_socket);
  ADD ("another-kind", test_another_kind);
  ADD ("length", test_length);
  ADD ("own-server", test_own_server);
  ADD_AS_ROOT ("server-of-root", test_server_of_root);
  ADD_AS_ROOT ("server-in-its-place", test_server_in_its_place);
  ADD_AS_ROOT ("client-of-root", test_client_of_root);
  ADD_AS_ROOT ("foreign-directory", test_foreign_directory);
  ADD_AS_ROOT ("writable-directory", test_writable_directory);
  ADD_AS_ROOT ("bad-parent", test_bad_parent);
  ADD_AS_ROOT ("foreign-socket", test_foreign_socket);
  ADD_AS_ROOT ("linked-socket", test_linked_socket);
  ADD_AS_ROOT ("linked-directory", test_linked_directory);
  return g_test_run ();
}
