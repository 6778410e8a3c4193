/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-path.h"

#include "listener.h"
#include "unix-directory.h"
#include "unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG           1024
#define TRIES_MAX         16u
#define UNIX_PATH_MAX_LEN ((guint) sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1)

/* The result of one step of listening. */
typedef enum
{
  STEP_DONE,
  STEP_START_OVER, /* a file was replaced meanwhile */
  STEP_FAILED,
} StepResult;

G_GNUC_PRINTF (3, 4)
static StepResult
unix_path_fail (GError **error, ListenerError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (LISTENER_ERROR, (gint) code, format, args));
  va_end (args);
  return STEP_FAILED;
}

/* --- files --- */

static UnixFile
unix_file (const struct stat *st)
{
  return (UnixFile){ (guint64) st->st_dev, (guint64) st->st_ino };
}

static gboolean
unix_file_equal (UnixFile one, UnixFile two)
{
  return one.inode != 0 && one.device == two.device && one.inode == two.inode;
}

/* The file that the name of the socket leads to in our directory. */
static UnixFile
unix_path_find_socket (const UnixPath *self)
{
  struct stat st;

  return fstatat (self->directory_fd, self->name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? unix_file (&st) : (UnixFile){ 0, 0 };
}

static gboolean
unix_path_holds_lock (const UnixPath *self)
{
  return unix_lock_is_held (self->lock, self->directory_fd, self->lock_name);
}

static void
unix_path_remove_file (const UnixPath *self, UnixFile file)
{
  if (unix_path_holds_lock (self) && unix_file_equal (file, unix_path_find_socket (self)))
    unlinkat (self->directory_fd, self->name, 0);
}

/* --- the steps of listening --- */

static StepResult
unix_path_open_directory (UnixPath *self, GError **error)
{
  if (strlen (self->path) > UNIX_PATH_MAX_LEN)
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS,
                           "the address %s is %" G_GSIZE_FORMAT " bytes long; a socket's path has at most %u",
                           self->path, strlen (self->path), UNIX_PATH_MAX_LEN);
  if (!g_path_is_absolute (self->path))
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "the address %s is not an absolute path", self->path);
  if (g_str_has_suffix (self->path, "/") || g_str_equal (self->name, ".") || g_str_equal (self->name, ".."))
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "the address %s names a directory: add a file name to it",
                           self->path);
  self->directory_fd = unix_directory_open (self->directory, self->group != NULL, error);
  return self->directory_fd >= 0 ? STEP_DONE : STEP_FAILED;
}

static StepResult
unix_path_after_lock (const UnixPath *self, UnixLockResult result, GError **error)
{
  switch (result)
    {
    case UNIX_LOCK_GOOD:
      return STEP_DONE;
    case UNIX_LOCK_CHANGED:
      return STEP_START_OVER;
    case UNIX_LOCK_BUSY:
      return unix_path_fail (error, LISTENER_ERROR_IN_USE,
                             "another broker runs at %s (it holds %s.lock): stop it, or use another address",
                             self->path, self->path);
    case UNIX_LOCK_FAILED:
      break;
    }
  if (errno == ENOENT) /* the directory was removed */
    return STEP_START_OVER;
  return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't lock %s.lock: %s", self->path, g_strerror (errno));
}

static StepResult
unix_path_open_lock (UnixPath *self, GError **error)
{
  return unix_path_after_lock (self, unix_lock_open (&self->lock, self->directory_fd, self->lock_name), error);
}

static StepResult
unix_path_take_lock (UnixPath *self, GError **error)
{
  return unix_path_after_lock (self, unix_lock_take (&self->lock, self->directory_fd, self->lock_name), error);
}

static StepResult
unix_path_confirm_lock (UnixPath *self, GError **error)
{
  return unix_path_after_lock (self, unix_lock_confirm (&self->lock, self->directory_fd, self->lock_name), error);
}

static struct sockaddr_un
unix_path_address (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return address;
}

/* TRUE: a process listens at @path, or this can't be excluded. */
static gboolean
unix_path_is_live (const char *path)
{
  struct sockaddr_un address = unix_path_address (path);
  int fd = unix_socket_new ();
  gboolean live;

  if (fd < 0)
    return TRUE; /* unknown: assume that it is live */
  live = connect (fd, (const struct sockaddr *) &address, sizeof address) == 0
         || (errno != ECONNREFUSED && errno != ENOENT);
  close (fd);
  return live;
}

/* Finds out whether the file at the address is a stale socket, for unix_path_remove_stale().
 *
 * A broker that dies leaves its socket behind, and then bind() fails with EADDRINUSE. Removing the socket before every bind()
 * would take the address from a live broker: it would keep its peers, but no new client could reach it. A refused connect()
 * alone is no proof that the socket is stale. A broker that has called bind() and not yet listen() refuses connections too,
 * and between connect() and unlink() another broker may put its own socket in the place of the stale one.
 *
 * So the test is made while this process holds the lock. Every broker takes the lock before bind(), and keeps it until it has
 * removed its socket; so a socket that refuses connections now belongs to no broker. The socket is removed only if it is
 * still the file that was tested and the name of the lock still leads to our lock.
 *
 * A cleaner that removes the lock file breaks this rule: a second broker can then lock a new file, and remove the first
 * one's socket before listen(). The first broker detects this in unix_path_confirm() and starts over. */
static StepResult
unix_path_examine (UnixPath *self, GError **error)
{
  struct stat st;

  self->stale = (UnixFile){ 0, 0 };
  if (fstatat (self->directory_fd, self->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT
               ? STEP_DONE
               : unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't examine %s: %s", self->path, g_strerror (errno));
  if (!S_ISSOCK (st.st_mode))
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS,
                           "%s exists and is not a socket, so the broker does not replace it: use another address",
                           self->path);
  if (unix_path_is_live (self->path))
    return unix_path_fail (error, LISTENER_ERROR_IN_USE,
                           "another broker listens at %s: stop it, or use another address", self->path);
  self->stale = unix_file (&st);
  return STEP_DONE;
}

static StepResult
unix_path_remove_stale (UnixPath *self, GError **error)
{
  unix_path_remove_file (self, self->stale);
  return STEP_DONE;
}

/* Binds the socket with the mode 0600. The umask belongs to the host and can't be changed here. On Linux bind() creates the
 * file with the mode of the descriptor, less the umask, so fchmod() comes first. Other systems do not allow fchmod() on a
 * socket: there the mode of the file is changed afterwards. No client can connect in between, because the socket does not
 * listen yet. */
static gboolean
unix_path_bind_private (const UnixPath *self)
{
  struct sockaddr_un address = unix_path_address (self->path);

#ifdef __linux__
  return fchmod (self->fd, 0600) == 0 && bind (self->fd, (const struct sockaddr *) &address, sizeof address) == 0;
#else
  return bind (self->fd, (const struct sockaddr *) &address, sizeof address) == 0
         && fchmodat (self->directory_fd, self->name, 0600, 0) == 0;
#endif
}

/* bind() takes a path and not a directory descriptor, so the directory may have been replaced since it was opened. Then the
 * socket was created in the new directory, where the next attempt finds it stale. */
static StepResult
unix_path_bind (UnixPath *self, GError **error)
{
  self->fd = unix_socket_new ();
  if (self->fd < 0)
    return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't create a socket: %s", g_strerror (errno));
  if (!unix_path_bind_private (self))
    return errno == EADDRINUSE || errno == ENOENT
               ? STEP_START_OVER
               : unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't bind %s: %s", self->path, g_strerror (errno));
  if (!unix_directory_is_at (self->directory_fd, self->directory))
    return STEP_START_OVER;
  self->socket = unix_path_find_socket (self);
  return self->socket.inode != 0 ? STEP_DONE : STEP_START_OVER;
}

/* Looks the group up only once, because a name service may be slow. */
static StepResult
unix_path_find_group (UnixPath *self, GError **error)
{
  const struct group *entry;

  if (self->group == NULL || self->gid != (gid_t) -1)
    return STEP_DONE;
  entry = getgrnam (self->group);
  if (entry == NULL)
    return unix_path_fail (error, LISTENER_ERROR_ADDRESS, "there is no group %s", self->group);
  self->gid = entry->gr_gid;
  return STEP_DONE;
}

static StepResult
unix_path_share (UnixPath *self, GError **error)
{
  if (self->group == NULL)
    return STEP_DONE;
  if (fchown (self->directory_fd, (uid_t) -1, self->gid) == 0
      && fchownat (self->directory_fd, self->name, (uid_t) -1, self->gid, AT_SYMLINK_NOFOLLOW) == 0
      && fchmodat (self->directory_fd, self->name, 0660, 0) == 0)
    return STEP_DONE;
  return errno == ENOENT ? STEP_START_OVER
                         : unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't open %s for the group %s: %s",
                                           self->path, self->group, g_strerror (errno));
}

static StepResult
unix_path_start_listening (UnixPath *self, GError **error)
{
  if (listen (self->fd, BACKLOG) == 0)
    return STEP_DONE;
  return unix_path_fail (error, LISTENER_ERROR_SYSTEM, "can't listen at %s: %s", self->path, g_strerror (errno));
}

/* Checks the files again after listen(). Before listen() another broker could take the socket for stale, if a cleaner had
 * removed the lock file. From now on connect() shows that the socket is live, so no broker replaces it any more. */
static StepResult
unix_path_confirm (UnixPath *self, GError **error)
{
  return unix_path_holds_lock (self) && unix_file_equal (self->socket, unix_path_find_socket (self))
                 && unix_directory_is_at (self->directory_fd, self->directory)
             ? STEP_DONE
             : STEP_START_OVER;
}

static StepResult (*const unix_path_steps[]) (UnixPath *self, GError **error) = {
  [UNIX_PATH_STEP_GROUP] = unix_path_find_group,
  [UNIX_PATH_STEP_DIRECTORY] = unix_path_open_directory,
  [UNIX_PATH_STEP_OPEN_LOCK] = unix_path_open_lock,
  [UNIX_PATH_STEP_TAKE_LOCK] = unix_path_take_lock,
  [UNIX_PATH_STEP_CONFIRM_LOCK] = unix_path_confirm_lock,
  [UNIX_PATH_STEP_EXAMINE] = unix_path_examine,
  [UNIX_PATH_STEP_REMOVE_STALE] = unix_path_remove_stale,
  [UNIX_PATH_STEP_BIND] = unix_path_bind,
  [UNIX_PATH_STEP_SHARE] = unix_path_share,
  [UNIX_PATH_STEP_LISTEN] = unix_path_start_listening,
  [UNIX_PATH_STEP_CONFIRM] = unix_path_confirm,
};
G_STATIC_ASSERT (G_N_ELEMENTS (unix_path_steps) == UNIX_PATH_N_STEPS);

void
unix_path_init (UnixPath *self, const char *path, const char *group)
{
  *self = (UnixPath){ .path = g_strdup (path),
                      .group = g_strdup (group),
                      .gid = (gid_t) -1,
                      .directory = g_path_get_dirname (path),
                      .name = g_path_get_basename (path),
                      .directory_fd = -1,
                      .lock = UNIX_LOCK_NONE,
                      .fd = -1 };
  self->lock_name = g_strconcat (self->name, ".lock", NULL);
}

UnixPathProgress
unix_path_step (UnixPath *self, GError **error)
{
  switch (unix_path_steps[self->next](self, error))
    {
    case STEP_DONE:
      return ++self->next == UNIX_PATH_N_STEPS ? UNIX_PATH_LISTENS : UNIX_PATH_CONTINUES;
    case STEP_START_OVER:
      while (unix_path_end_step (self))
        ;
      self->next = 0;
      if (++self->tries < TRIES_MAX)
        return UNIX_PATH_CONTINUES;
      unix_path_fail (
          error, LISTENER_ERROR_IN_USE,
          "the files at %s keep changing while the broker starts: stop the other program that uses the address",
          self->path);
      return UNIX_PATH_FAILED;
    case STEP_FAILED:
      break;
    }
  return UNIX_PATH_FAILED;
}

static int
unix_path_give_socket (UnixPath *self)
{
  int fd = self->fd;

  self->fd = -1;
  return fd;
}

int
unix_path_listen (UnixPath *self, GError **error)
{
  UnixPathProgress progress;

  do
    progress = unix_path_step (self, error);
  while (progress == UNIX_PATH_CONTINUES);
  return progress == UNIX_PATH_LISTENS ? unix_path_give_socket (self) : -1;
}

/* --- the steps of the end --- */

/* Takes the lock again if a cleaner has removed its file, because nothing may be removed without the lock. This fails if another
 * broker has taken the lock meanwhile; then the files belong to that broker. */
static void
unix_path_retake_lock (UnixPath *self)
{
  if (self->socket.inode == 0 || unix_path_holds_lock (self))
    return;
  unix_lock_release (&self->lock);
  unix_path_restore_lock (self);
}

static void
unix_path_remove_socket (UnixPath *self)
{
  unix_path_remove_file (self, self->socket);
}

static void
unix_path_remove_lock (UnixPath *self)
{
  unix_lock_remove (self->lock, self->directory_fd, self->lock_name);
}

static void
unix_path_close (UnixPath *self)
{
  if (self->fd >= 0)
    close (self->fd);
  unix_lock_release (&self->lock);
  if (self->directory_fd >= 0)
    close (self->directory_fd);
  self->fd = self->directory_fd = -1;
  self->socket = (UnixFile){ 0, 0 };
}

static void (*const unix_path_end_steps[]) (UnixPath *self)
    = { unix_path_retake_lock, unix_path_remove_socket, unix_path_remove_lock, unix_path_close };

gboolean
unix_path_end_step (UnixPath *self)
{
  if (self->next_end == G_N_ELEMENTS (unix_path_end_steps))
    {
      self->next_end = 0;
      return FALSE;
    }
  unix_path_end_steps[self->next_end++](self);
  return TRUE;
}

void
unix_path_clear (UnixPath *self)
{
  while (unix_path_end_step (self))
    ;
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->group, g_free);
  g_clear_pointer (&self->directory, g_free);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->lock_name, g_free);
}

/* --- while it listens --- */

UnixPathState
unix_path_check (const UnixPath *self, char **why)
{
  struct stat st;

  if (lstat (self->path, &st) != 0)
    *why = errno == ENOENT ? g_strdup_printf ("%s was removed", self->path)
                           : g_strdup_printf ("can't examine %s: %s", self->path, g_strerror (errno));
  else if (!unix_file_equal (self->socket, unix_file (&st)))
    *why = g_strdup_printf ("%s was replaced", self->path);
  else if (unix_path_holds_lock (self))
    return UNIX_PATH_IN_PLACE;
  else
    {
      *why = g_strdup_printf ("%s.lock was removed", self->path);
      return UNIX_PATH_LOCK_LOST;
    }
  return UNIX_PATH_LOST;
}

gboolean
unix_path_restore_lock (UnixPath *self)
{
  UnixLock lock = UNIX_LOCK_NONE;

  if (unix_lock_open (&lock, self->directory_fd, self->lock_name) != UNIX_LOCK_GOOD
      || unix_lock_take (&lock, self->directory_fd, self->lock_name) != UNIX_LOCK_GOOD
      || unix_lock_confirm (&lock, self->directory_fd, self->lock_name) != UNIX_LOCK_GOOD)
    {
      unix_lock_release (&lock);
      return FALSE;
    }
  unix_lock_release (&self->lock);
  self->lock = lock;
  return TRUE;
}

/* Starts @next and opens its directory. FALSE: failed, @error is set. @keeps: (out): the directory is the same and the lock is
 * in place; @next owns the lock now and continues after the steps of locking */
static gboolean
unix_path_begin_restore (UnixPath *self, UnixPath *next, gboolean *keeps, GError **error)
{
  unix_path_init (next, self->path, self->group);
  next->gid = self->gid;
  *keeps = FALSE;
  while (next->next <= UNIX_PATH_STEP_DIRECTORY)
    if (unix_path_step (next, error) == UNIX_PATH_FAILED)
      return FALSE;
  if (unix_directory_is_same (self->directory_fd, next->directory_fd) && unix_path_holds_lock (self))
    {
      *keeps = TRUE;
      next->lock = self->lock;
      next->next = UNIX_PATH_STEP_EXAMINE;
      self->lock = UNIX_LOCK_NONE;
    }
  return TRUE;
}

/* Returns the lock to @self, unless @next has started over in another directory. */
static void
unix_path_give_up_restore (UnixPath *self, UnixPath *next, gboolean keeps)
{
  if (keeps && unix_directory_is_same (self->directory_fd, next->directory_fd))
    {
      unix_path_remove_socket (next);
      self->lock = next->lock;
      next->lock = UNIX_LOCK_NONE;
      next->socket = (UnixFile){ 0, 0 };
    }
  unix_path_clear (next);
}

int
unix_path_restore (UnixPath *self, GError **error)
{
  UnixPath next;
  gboolean keeps;
  int fd = -1;

  if (unix_path_begin_restore (self, &next, &keeps, error))
    fd = unix_path_listen (&next, error);
  if (fd < 0)
    {
      unix_path_give_up_restore (self, &next, keeps);
      return -1;
    }
  if (keeps)
    self->socket = (UnixFile){ 0, 0 };
  unix_path_clear (self);
  *self = next;
  return fd;
}
