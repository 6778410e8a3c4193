/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unix-lock.h"

#include <sys/types.h>

/*
 * The address of a broker: a listening Unix socket in a directory of its own, and a lock beside it.
 *
 * The process that holds the lock owns the address. If it finds a socket on which no process listens, it treats the socket as
 * stale (left over by a broker that died) and replaces it: a broker that is about to listen would hold the lock. It does not
 * touch a socket on which a process listens without the lock, or a file of any other type. After it has begun to listen, it
 * checks that the path still leads to its lock, socket and directory; if one of them was replaced meanwhile, it starts over.
 *
 * Listening and ending are sequences of steps with at most one change of the file system each. Any number of processes may
 * run them at the same time, in any interleaving: test-unix-path-steps tries all interleavings of two brokers that start and
 * one that ends.
 *
 * Files are compared by device and inode. The kernel does not reuse an inode while the file is open, and directory, lock and
 * socket are open during the comparison; therefore unix_path_clear() must be called before the socket is closed.
 *
 * Invariant: a process removes a file only while it holds the lock, and only if it created the file or found it stale.
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

/* The identity of a file; inode 0: no file. */
typedef struct
{
  guint64 device;
  guint64 inode;
} UnixFile;

typedef struct
{
  char *path; /* NULL: cleared */
  char *group;
  gid_t gid; /* of the group; -1: not looked up yet */
  char *directory;
  char *name;
  char *lock_name;
  int directory_fd; /* -1: none */
  UnixLock lock;
  int fd; /* the socket; -1: none, or the caller owns it */
  UnixFile socket;
  UnixFile stale; /* left over by a broker that died; it will be removed */
  UnixPathStep next;
  guint next_end; /* the next step of ending */
  guint tries;
} UnixPath;

typedef enum
{
  UNIX_PATH_CONTINUES,
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
  UNIX_PATH_LOCK_LOST, /* the socket is in place, the lock is not */
  UNIX_PATH_LOST,      /* no client can connect */
} UnixPathState;

/* Compares the files at the address with those that this process created. @why: set to the reason if a file is lost.
 * (transfer full) */
UnixPathState unix_path_check (const UnixPath *self, char **why);
/* Creates the lock again. FALSE: another process has taken it first, or the system refuses it. */
gboolean unix_path_restore_lock (UnixPath *self);
/* Listens again at an address that is lost, with the same checks as at the start. Keeps the lock if it is still in place.
 * Returns a new listening socket, or -1 with an error; an error leaves everything as it was. */
int unix_path_restore (UnixPath *self, GError **error);

/* Does the next step of ending; FALSE: none is left. */
gboolean unix_path_end_step (UnixPath *self);
/* Does all steps of ending: removes socket and lock, and frees the memory of this struct. */
void unix_path_clear (UnixPath *self);
