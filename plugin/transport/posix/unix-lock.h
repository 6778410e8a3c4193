/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A lock file beside the broker's socket: only the process that holds the lock creates and removes files at the address.
 *
 * The lock is taken in three steps: open() opens or creates the file, take() locks it without waiting, and confirm() checks that
 * the name still leads to the locked file. The previous holder may remove the file between open() and take(). A lock on a
 * removed file excludes no process, because the next one creates a new file; so all three steps are repeated then. The
 * kernel releases the lock of a process that dies.
 *
 * Invariant: of the processes that have confirmed the lock, at most one holds the file that the name leads to, and only this
 * process removes the file.
 */

typedef enum
{
  UNIX_LOCK_GOOD,
  UNIX_LOCK_BUSY,    /* another process holds the lock */
  UNIX_LOCK_CHANGED, /* the file was removed or replaced: begin with unix_lock_open() again */
  UNIX_LOCK_FAILED,  /* errno */
} UnixLockResult;

/* An open lock file; -1: none. */
typedef int UnixLock;
#define UNIX_LOCK_NONE (-1)

UnixLockResult unix_lock_open (UnixLock *self, int directory, const char *name);
UnixLockResult unix_lock_take (UnixLock *self, int directory, const char *name);
UnixLockResult unix_lock_confirm (UnixLock *self, int directory, const char *name);

/* TRUE: @name still leads to the file that unix_lock_take() locked. */
gboolean unix_lock_is_held (UnixLock self, int directory, const char *name);
/* Removes the file @name if it is the locked file. The lock is held until unix_lock_release(). */
void unix_lock_remove (UnixLock self, int directory, const char *name);
void unix_lock_release (UnixLock *self);
