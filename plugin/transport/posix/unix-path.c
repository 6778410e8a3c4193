/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-path.h"

#include "listener.h"
#include "unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG           128
#define UNIX_PATH_MAX_LEN ((guint) sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1)

G_GNUC_PRINTF (3, 4)
static gboolean
unix_path_fail (GError **error, ListenerError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (LISTENER_ERROR, (gint) code, format, args));
  va_end (args);
  return FALSE;
}

/* Only its owner may create files in it; otherwise another user could put a socket in place of ours. */
static gboolean
unix_path_prepare_directory (const char *path, gboolean for_group, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  struct stat st;

  if (g_mkdir_with_parents (directory, 0700) != 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't create the directory %s: %s", directory,
                           g_strerror (errno));
  if (lstat (directory, &st) != 0 || !S_ISDIR (st.st_mode))
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "%s is not a directory", directory);
  if (st.st_uid != geteuid ())
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "the directory %s belongs to uid %u: choose one of your own",
                           directory, (guint) st.st_uid);
  if (st.st_mode & 0022)
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS,
                           "other users can write to the directory %s (mode %04o): choose one with mode 0700",
                           directory, (guint) st.st_mode & 07777);
  if (for_group && chmod (directory, 0710) != 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't open %s to the group: %s", directory,
                           g_strerror (errno));
  return TRUE;
}

static gboolean
unix_path_take_lock (UnixPath *self, GError **error)
{
  self->lock_fd = open (self->lock_path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_fd < 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't open %s: %s", self->lock_path, g_strerror (errno));
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  return unix_path_fail (error, LISTENER_ERROR_IN_USE,
                         "another broker runs at %s (it holds %s): stop it, or use another address", self->path,
                         self->lock_path);
}

static struct sockaddr_un
unix_path_address (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return address;
}

static gboolean
unix_path_is_live (const char *path)
{
  struct sockaddr_un address = unix_path_address (path);
  int fd = unix_socket_new ();
  gboolean live;

  if (fd < 0)
    return TRUE; /* unknown: treat it as live */
  live = connect (fd, (const struct sockaddr *) &address, sizeof address) == 0 || errno != ECONNREFUSED;
  close (fd);
  return live;
}

static gboolean
unix_path_remove_stale (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) != 0)
    return errno == ENOENT
           || unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't examine %s: %s", path, g_strerror (errno));
  if (!S_ISSOCK (st.st_mode))
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS,
                           "%s is there and is no socket: it is left alone; use another address", path);
  if (unix_path_is_live (path))
    return unix_path_fail (error, LISTENER_ERROR_IN_USE,
                           "another broker listens at %s: stop it, or use another address", path);
  if (unlink (path) != 0 && errno != ENOENT)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't remove the stale socket %s: %s", path,
                           g_strerror (errno));
  return TRUE;
}

static gboolean
unix_path_open_to_group (const char *path, const char *group, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  const struct group *entry = getgrnam (group);

  if (entry == NULL)
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "there is no group %s", group);
  if (chown (directory, (uid_t) -1, entry->gr_gid) != 0 || chown (path, (uid_t) -1, entry->gr_gid) != 0
      || chmod (path, 0660) != 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't open %s to the group %s: %s", path, group,
                           g_strerror (errno));
  return TRUE;
}

/* bind() creates the socket with the permissions of the descriptor, less the umask, which belongs to the host and
 * can't be changed here. On Linux they are set before. Other systems do not allow that: there they are set on the
 * path afterwards. No client can connect in between, because the socket does not listen yet. */
static gboolean
unix_path_bind_private (int fd, const char *path)
{
  struct sockaddr_un address = unix_path_address (path);

#ifdef __linux__
  return fchmod (fd, 0600) == 0 && bind (fd, (const struct sockaddr *) &address, sizeof address) == 0;
#else
  return bind (fd, (const struct sockaddr *) &address, sizeof address) == 0 && chmod (path, 0600) == 0;
#endif
}

static gboolean
unix_path_bind_and_listen (UnixPath *self, int fd, const char *group, GError **error)
{
  struct stat st;

  if (!unix_path_bind_private (fd, self->path))
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't bind %s: %s", self->path, g_strerror (errno));
  if (lstat (self->path, &st) != 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't examine %s: %s", self->path, g_strerror (errno));
  self->device = st.st_dev;
  self->inode = st.st_ino;
  if (group != NULL && !unix_path_open_to_group (self->path, group, error))
    return FALSE;
  if (listen (fd, BACKLOG) != 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't listen at %s: %s", self->path, g_strerror (errno));
  return TRUE;
}

int
unix_path_listen (UnixPath *self, const char *path, const char *group, GError **error)
{
  int fd = -1;

  *self = (UnixPath){ .path = g_strdup (path), .lock_path = g_strconcat (path, ".lock", NULL), .lock_fd = -1 };
  if (strlen (path) > UNIX_PATH_MAX_LEN)
    unix_path_fail (error, LISTENER_ERROR_ADDRESS,
                    "the address %s is %" G_GSIZE_FORMAT " bytes long; a socket's path has at most %u", path,
                    strlen (path), UNIX_PATH_MAX_LEN);
  else if (!g_path_is_absolute (path))
    unix_path_fail (error, LISTENER_ERROR_ADDRESS, "the address %s is not an absolute path", path);
  else if (unix_path_prepare_directory (path, group != NULL, error) && unix_path_take_lock (self, error)
           && unix_path_remove_stale (path, error))
    {
      fd = unix_socket_new ();
      if (fd < 0)
        unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't create a socket: %s", g_strerror (errno));
      else if (unix_path_bind_and_listen (self, fd, group, error))
        return fd;
      else
        close (fd);
    }
  unix_path_clear (self);
  return -1;
}

void
unix_path_clear (UnixPath *self)
{
  struct stat st;

  if (self->inode != 0 && lstat (self->path, &st) == 0 && st.st_dev == self->device && st.st_ino == self->inode)
    unlink (self->path);
  if (self->lock_fd >= 0)
    {
      if (self->inode != 0)
        unlink (self->lock_path);
      close (self->lock_fd);
    }
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->lock_path, g_free);
  self->lock_fd = -1;
  self->inode = 0;
}
