/* SPDX-License-Identifier: Apache-2.0 */
#include "unix-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

UnixLockResult
unix_lock_open (UnixLock *self, int directory, const char *name)
{
  *self = openat (directory, name, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  return *self >= 0 ? UNIX_LOCK_GOOD : UNIX_LOCK_FAILED;
}

gboolean
unix_lock_is_held (UnixLock self, int directory, const char *name)
{
  struct stat ours, there;

  return self >= 0 && fstat (self, &ours) == 0 && fstatat (directory, name, &there, AT_SYMLINK_NOFOLLOW) == 0
         && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* If another process holds the lock but the name does not lead to the file any more, that process has removed the file and is
 * about to end. This is CHANGED, not BUSY: the next broker creates a new file. A file that could not be locked is closed at
 * once, so that a file that is open after this call is locked. */
UnixLockResult
unix_lock_take (UnixLock *self, int directory, const char *name)
{
  UnixLockResult result = UNIX_LOCK_FAILED;
  int problem;

  if (flock (*self, LOCK_EX | LOCK_NB) == 0)
    return UNIX_LOCK_GOOD;
  problem = errno;
  if (problem == EWOULDBLOCK)
    result = unix_lock_is_held (*self, directory, name) ? UNIX_LOCK_BUSY : UNIX_LOCK_CHANGED;
  close (*self);
  *self = UNIX_LOCK_NONE;
  errno = problem;
  return result;
}

UnixLockResult
unix_lock_confirm (UnixLock *self, int directory, const char *name)
{
  return unix_lock_is_held (*self, directory, name) ? UNIX_LOCK_GOOD : UNIX_LOCK_CHANGED;
}

void
unix_lock_remove (UnixLock self, int directory, const char *name)
{
  if (unix_lock_is_held (self, directory, name))
    unlinkat (directory, name, 0);
}

/* Unlocks explicitly: a child process that was forked meanwhile may keep the file open, and with it the lock. */
void
unix_lock_release (UnixLock *self)
{
  if (*self < 0)
    return;
  flock (*self, LOCK_UN);
  close (*self);
  *self = UNIX_LOCK_NONE;
}
