/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-path.h"

#include "transport-unix.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

G_GNUC_PRINTF (3, 4)
static gboolean
fail (GError **error, TransportUnixError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (TRANSPORT_UNIX_ERROR, (gint) code, format, args));
  va_end (args);
  return FALSE;
}

/* Only its owner may make files in it, else somebody could put a socket of his own there. */
static gboolean
prepare_directory (const char *path, gboolean for_group, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  struct stat st;

  if (g_mkdir_with_parents (directory, 0700) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't make the directory %s: %s", directory, g_strerror (errno));
  if (lstat (directory, &st) != 0 || !S_ISDIR (st.st_mode))
    return fail (error, TRANSPORT_UNIX_ERROR_PATH, "%s is not a directory", directory);
  if (st.st_uid != geteuid ())
    return fail (error, TRANSPORT_UNIX_ERROR_PATH, "the directory %s belongs to uid %u: choose one of your own",
                 directory, (guint) st.st_uid);
  if (st.st_mode & 0022)
    return fail (error, TRANSPORT_UNIX_ERROR_PATH,
                 "others may write in the directory %s (mode %04o): choose one of mode 0700", directory,
                 (guint) st.st_mode & 07777);
  if (for_group && chmod (directory, 0710) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't open %s to the group: %s", directory, g_strerror (errno));
  return TRUE;
}

static gboolean
take_lock (UnixPath *self, GError **error)
{
  self->lock_fd = open (self->lock_path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_fd < 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't open %s: %s", self->lock_path, g_strerror (errno));
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  return fail (error, TRANSPORT_UNIX_ERROR_IN_USE,
               "another broker runs at %s (it holds %s): stop it, or use another address", self->path, self->lock_path);
}

static struct sockaddr_un
address_of (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return address;
}

static gboolean
is_live (const char *path)
{
  struct sockaddr_un address = address_of (path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean live;

  if (fd < 0)
    return TRUE; /* can't tell: leave it alone */
  live = connect (fd, (const struct sockaddr *) &address, sizeof address) == 0 || errno != ECONNREFUSED;
  close (fd);
  return live;
}

static gboolean
remove_stale (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) != 0)
    return errno == ENOENT
           || fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't look at %s: %s", path, g_strerror (errno));
  if (!S_ISSOCK (st.st_mode))
    return fail (error, TRANSPORT_UNIX_ERROR_PATH,
                 "%s is there and is no socket: it is left alone; use another address", path);
  if (is_live (path))
    return fail (error, TRANSPORT_UNIX_ERROR_IN_USE, "another broker listens at %s: stop it, or use another address",
                 path);
  if (unlink (path) != 0 && errno != ENOENT)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't remove the stale socket %s: %s", path, g_strerror (errno));
  return TRUE;
}

static gboolean
open_to_group (const char *path, const char *group, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  const struct group *entry = getgrnam (group);

  if (entry == NULL)
    return fail (error, TRANSPORT_UNIX_ERROR_PATH, "there is no group %s", group);
  if (chown (directory, (uid_t) -1, entry->gr_gid) != 0 || chown (path, (uid_t) -1, entry->gr_gid) != 0
      || chmod (path, 0660) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't open %s to the group %s: %s", path, group,
                 g_strerror (errno));
  return TRUE;
}

/* The mode is set on the descriptor before bind, because bind applies the umask, which is the host's. */
static gboolean
bind_and_listen (UnixPath *self, int fd, const char *group, GError **error)
{
  struct sockaddr_un address = address_of (self->path);
  struct stat st;

  if (fchmod (fd, 0600) != 0 || bind (fd, (const struct sockaddr *) &address, sizeof address) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't bind %s: %s", self->path, g_strerror (errno));
  if (lstat (self->path, &st) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't look at %s: %s", self->path, g_strerror (errno));
  self->device = st.st_dev;
  self->inode = st.st_ino;
  if (group != NULL && !open_to_group (self->path, group, error))
    return FALSE;
  if (listen (fd, BACKLOG) != 0)
    return fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't listen at %s: %s", self->path, g_strerror (errno));
  return TRUE;
}

int
unix_path_listen (UnixPath *self, const char *path, const char *group, GError **error)
{
  int fd = -1;

  *self = (UnixPath){ .path = g_strdup (path), .lock_path = g_strconcat (path, ".lock", NULL), .lock_fd = -1 };
  if (strlen (path) > UNIX_PATH_MAX_LEN)
    fail (error, TRANSPORT_UNIX_ERROR_PATH,
          "the address %s is %" G_GSIZE_FORMAT " bytes long; a socket's path has at most %u", path, strlen (path),
          UNIX_PATH_MAX_LEN);
  else if (!g_path_is_absolute (path))
    fail (error, TRANSPORT_UNIX_ERROR_PATH, "the address %s is not an absolute path", path);
  else if (prepare_directory (path, group != NULL, error) && take_lock (self, error) && remove_stale (path, error))
    {
      fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0)
        fail (error, TRANSPORT_UNIX_ERROR_SYSTEM, "can't make a socket: %s", g_strerror (errno));
      else if (bind_and_listen (self, fd, group, error))
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
