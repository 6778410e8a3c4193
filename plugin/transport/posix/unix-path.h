/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unix-lock.h"

#include <sys/types.h>

/*
 * The address of a broker: a listening Unix socket in a directory of its own, and a lock beside it.
 *
 * The lock decides to whom the address belongs. Its holder treats a socket on which nothing listens as left over by a broker
 * that died, and replaces it, because a broker that is about to listen would hold the lock. A socket on which a program
 * listens without the lock is left alone, and so is any other file. After listening, lock, socket and directory are compared with
 * what the path leads to; whatever was replaced meanwhile makes it start over.
 *
 * Listening and ending are sequences of steps with at most one change of the file system each. Any number of processes may
 * do them at the same time, in any interleaving: test-unix-path-steps tries all of two starters and one broker that ends.
 *
 * Files are compared by device and inode. The kernel can't give these to other files in the meantime, because directory, lock and
 * socket are open. So unix_path_clear() is called before the socket is closed.
 *
 * Invariant: a file is removed only while the lock is held, and only if it is the one that this process created or found stale.
 */

typedef enum
{
  UNIX_PATH_STEP_GROUP,
  UNIX_PATH_STEP_DIRECTORY,
  UNIX_PATH_STEP_OPEN_LOCK,
  UNIX_PATH_STEP_TAKE_LOCK,
  UNIX_PATH_STEP_CONFIRM_LOCK,
  UNIX_PATH_STEP_EXAMINE,
  UNIX_PATH_STEP_REMOVE_STALE,
  UNIX_PATH_STEP_BIND,
  UNIX_PATH_STEP_SHARE,
  UNIX_PATH_STEP_LISTEN,
  UNIX_PATH_STEP_CONFIRM,
  UNIX_PATH_N_STEPS,
} UnixPathStep;

/* A file: the inode 0 is none. */
typedef struct
{
  guint64 device;
  guint64 inode;
} UnixFile;

typedef struct
{
  char *path; /* NULL: cleared */
  char *group;
  gid_t gid; /* of the group; -1: not looked up */
  char *directory;
  char *name;
  char *lock_name;
  int directory_fd; /* -1: none */
  UnixLock lock;
  int fd; /* the socket; -1: none, or given away */
  UnixFile socket;
  UnixFile stale; /* left over by another broker, to be removed */
  UnixPathStep next;
  guint next_end; /* the next step of the end */
  guint tries;
} UnixPath;

typedef enum
{
  UNIX_PATH_GOES_ON,
  UNIX_PATH_LISTENS,
  UNIX_PATH_FAILED,
} UnixPathProgress;

/* @group: (nullable). */
void unix_path_init (UnixPath *self, const char *path, const char *group);
/* Does the next step. After FAILED the path can only be cleared. */
UnixPathProgress unix_path_step (UnixPath *self, GError **error);
/* All steps. Returns the listening socket, which the caller owns, or -1 with a LISTENER_ERROR. */
int unix_path_listen (UnixPath *self, GError **error);

typedef enum
{
  UNIX_PATH_IN_PLACE,
  UNIX_PATH_LOCK_LOST, /* the socket is there, the lock is not */
  UNIX_PATH_LOST,      /* no client can connect */
} UnixPathState;

/* Compares the files at the address with those that were created. @why: set to a text if something is lost. (transfer full) */
UnixPathState unix_path_look (const UnixPath *self, char **why);
/* Creates the lock again. FALSE: another process was faster, or it is not possible. */
gboolean unix_path_restore_lock (UnixPath *self);
/* Listens again at an address that is lost, with the checks of the start. The lock is kept if it is still in its place.
 * Returns a new listening socket, or -1 with an error, and then nothing has changed. */
int unix_path_restore (UnixPath *self, GError **error);

/* Does the next step of the end; FALSE: none is left. */
gboolean unix_path_end_step (UnixPath *self);
/* All steps of the end: removes socket and lock, and frees what this struct owns. */
void unix_path_clear (UnixPath *self);
