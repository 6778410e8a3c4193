/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The path of a listening Unix socket: its directory, its lock, and its removal.
 *
 * The directory must belong to the current user, and no other user may write in it. A lock file beside the socket belongs to the
 * broker that runs. A socket of a live broker is left alone, a stale one is replaced, and any other file is refused.
 *
 * Invariant: only a socket that this process created (same inode) is removed, and only while the lock is held.
 */

typedef struct
{
  char *path; /* NULL: not listening */
  char *lock_path;
  int lock_fd;
  guint64 device;
  guint64 inode; /* 0: nothing was bound */
} UnixPath;

/* A listening socket, or -1 with a LISTENER_ERROR. @group: (nullable). */
int unix_path_listen (UnixPath *self, const char *path, const char *group, GError **error);
/* Removes socket and lock, if this process created them. */
void unix_path_clear (UnixPath *self);
