/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * A socket's place in the file system: safe directory, lock, stale or live, bind, remove.
 *
 * Invariant: what is removed is what was made here (same inode), and only while the lock is held.
 */

#define UNIX_PATH_MAX_LEN 107u

typedef struct
{
  char *path;
  char *lock_path;
  int lock_fd;
  guint64 device;
  guint64 inode;
} UnixPath;

/* A listening socket, or -1 with an error of TRANSPORT_UNIX_ERROR. @group: (nullable). */
int unix_path_listen (UnixPath *self, const char *path, const char *group, GError **error);
/* Removes socket and lock if they are still ours. */
void unix_path_clear (UnixPath *self);
