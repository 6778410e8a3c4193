/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A kernel before 5.6 has no such call, and a filter of system calls may refuse it with EPERM. */
FsResolve
fs_resolve_directory (const char *path, gboolean search, int *fd)
{
  struct open_how how
      = { .flags = (guint64) (O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW | (search ? O_PATH : O_RDONLY | O_NONBLOCK)),
          .resolve = RESOLVE_NO_SYMLINKS };
  long opened;

  do
    opened = syscall (SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  while (opened < 0 && errno == EINTR);
  if (opened < 0)
    return errno == ENOSYS || errno == EPERM ? FS_RESOLVE_UNSUPPORTED : FS_RESOLVE_FAILED;
  *fd = (int) opened;
  return FS_RESOLVE_DONE;
}

FsResolve
fs_resolve_locate (int directory, const char *name, int *fd)
{
  *fd = openat (directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return *fd >= 0 ? FS_RESOLVE_DONE : FS_RESOLVE_FAILED;
}

/* Without /proc a descriptor can't be opened again. */
FsResolve
fs_resolve_reopen (int located, int *fd)
{
  char path[64];

  g_snprintf (path, sizeof path, "/proc/self/fd/%d", located);
  *fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (*fd >= 0)
    return FS_RESOLVE_DONE;
  return errno == ENOENT ? FS_RESOLVE_UNSUPPORTED : FS_RESOLVE_FAILED;
}
