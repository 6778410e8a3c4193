/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-directory.h"

#include "listener.h"
#include "platform-trust.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* FALSE: @error is set. A directory that does not exist yet is good, because the current user will create it. */
static gboolean
unix_directory_check_parents (const char *directory, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (directory);
  g_auto (PlatformTrustVerdict) verdict = platform_trust_check (parent, PLATFORM_TRUST_NO_OTHER_OWNER);
  g_autofree char *why = NULL;

  if (verdict.problem == PLATFORM_TRUST_GOOD || verdict.problem == PLATFORM_TRUST_MISSING)
    return TRUE;
  why = platform_trust_verdict_describe (&verdict);
  g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS, "the directory %s is not safe: %s", directory, why);
  return FALSE;
}

static gboolean
unix_directory_check (int fd, const char *directory, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_SYSTEM, "can't examine %s: %s", directory, g_strerror (errno));
  else if (st.st_uid != geteuid ())
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS,
                 "the directory %s belongs to uid %u (mode %04o): choose one of your own", directory, (guint) st.st_uid,
                 (guint) st.st_mode & 07777);
  else if (st.st_mode & (S_IWGRP | S_IWOTH))
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS,
                 "other users can write to the directory %s (owner uid %u, mode %04o): choose one with mode 0700",
                 directory, (guint) st.st_uid, (guint) st.st_mode & 07777);
  else
    return TRUE;
  return FALSE;
}

static void
unix_directory_set_open_error (const char *directory, int problem, GError **error)
{
  struct stat st;

  if (lstat (directory, &st) == 0 && S_ISLNK (st.st_mode))
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS,
                 "%s is not a directory but a symbolic link: name the directory that it points to", directory);
  else if (problem == ENOTDIR)
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_ADDRESS, "%s is not a directory", directory);
  else
    g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_SYSTEM, "can't open the directory %s: %s", directory,
                 g_strerror (problem));
}

/* Checks the parents a second time after it created the missing ones: another user may have created one of them just before,
 * in a directory like /tmp. */
int
unix_directory_open (const char *directory, gboolean for_group, GError **error)
{
  int fd;

  if (!unix_directory_check_parents (directory, error))
    return -1;
  if (g_mkdir_with_parents (directory, 0700) != 0)
    {
      g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_SYSTEM, "can't create the directory %s: %s", directory,
                   g_strerror (errno));
      return -1;
    }
  if (!unix_directory_check_parents (directory, error))
    return -1;
  fd = open (directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    {
      unix_directory_set_open_error (directory, errno, error);
      return -1;
    }
  if (unix_directory_check (fd, directory, error))
    {
      if (!for_group || fchmod (fd, 0710) == 0)
        return fd;
      g_set_error (error, LISTENER_ERROR, LISTENER_ERROR_SYSTEM, "can't open %s for the group: %s", directory,
                   g_strerror (errno));
    }
  close (fd);
  return -1;
}

gboolean
unix_directory_is_at (int fd, const char *directory)
{
  struct stat ours, there;

  return fstat (fd, &ours) == 0 && lstat (directory, &there) == 0 && ours.st_dev == there.st_dev
         && ours.st_ino == there.st_ino;
}

gboolean
unix_directory_is_same (int fd, int other)
{
  struct stat one, two;

  return fstat (fd, &one) == 0 && fstat (other, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}
