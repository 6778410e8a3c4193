/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Notices what GFileMonitor hides on Linux: that the kernel's queue of notices overflowed, and that a directory could not be
 * watched at all.
 *
 * GLib reads its inotify queue in a thread of its own and skips the overflow notice; a watch that fails is added, without an
 * error, to a list that GLib polls. The sentinel is a second inotify queue with the same watches. It is read later than GLib
 * reads its own, so it overflows whenever GLib's does, and sometimes alone: a needless scan is harmless, a missed one is not. Its
 * watch of a directory is added after GLib's, so when the limit of watches is reached it is the sentinel that fails, with a
 * reason.
 *
 * It costs a second watch for each directory. Where the system has no such queue, it can't be made.
 *
 * Invariant: each overflow of the sentinel's queue is reported once, by a call of the function.
 */

typedef struct FsSentinel FsSentinel;
typedef void (*FsSentinelFunc) (gpointer data);

/* FALSE: this system has no such queue. */
gboolean fs_sentinel_is_available (void);

/* @overflowed: called in the default context. NULL: it can't be made now; @reason is for people (transfer none). Besides its own
 * queue there was room for one more, that of GLib, which tries only once in the life of a process. */
FsSentinel *fs_sentinel_new (FsSentinelFunc overflowed, gpointer data, const char **reason);
void fs_sentinel_free (FsSentinel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsSentinel, fs_sentinel_free)

/* The number of the watch, or -1 with a @reason for people (transfer none). @directory is an open one. */
int fs_sentinel_add (FsSentinel *self, int directory, const char **reason);
void fs_sentinel_remove (FsSentinel *self, int watch);

/* The number of directories that the system lets this user watch, with both watches; G_MAXUINT: unknown. */
guint fs_sentinel_capacity (void);
