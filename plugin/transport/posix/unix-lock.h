/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A lock file beside the broker's socket: only its holder creates and removes files at the address.
 *
 * The lock is taken in three steps: open() opens or creates the file, take() locks it without waiting, and confirm() compares it
 * with the file that the name leads to. A file that its previous holder removed in between is locked in vain, because the next
 * starter creates another one; then all three are repeated. The kernel releases the lock of a process that dies.
 *
 * Invariant: of the processes that have confirmed the lock, at most one holds the file that the name leads to, and only that
 * one removes it.
 */

typedef enum
{
  UNIX_LOCK_GOOD,
  UNIX_LOCK_BUSY,    /* another process holds it */
  UNIX_LOCK_CHANGED, /* the file was removed or replaced: begin with unix_lock_open() again */
  UNIX_LOCK_FAILED,  /* errno */
} UnixLockResult;

/* An open lock file; -1: none. */
typedef int UnixLock;
#define UNIX_LOCK_NONE (-1)

UnixLockResult unix_lock_open (UnixLock *self, int directory, const char *name);
UnixLockResult unix_lock_take (UnixLock *self, int directory, const char *name);
UnixLockResult unix_lock_confirm (UnixLock *self, int directory, const char *name);

/* After unix_lock_take(): whether @name still leads to the file that is locked. */
gboolean unix_lock_is_held (UnixLock self, int directory, const char *name);
/* Removes the file if it is the one that is locked. The lock stays until unix_lock_release(). */
void unix_lock_remove (UnixLock self, int directory, const char *name);
void unix_lock_release (UnixLock *self);
