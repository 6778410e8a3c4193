/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Detects two events that GFileMonitor hides on Linux: an overflow of the kernel's queue of notices, and a directory that could
 * not be watched.
 *
 * GLib reads its inotify queue in a thread of its own and skips the overflow notice. If a watch fails, GLib reports no error and
 * polls the file instead. The sentinel is a second inotify queue with the same watches. The sentinel is read later than GLib's
 * queue, so the sentinel overflows whenever GLib's queue does, and sometimes when GLib's queue does not. The second case causes an
 * unnecessary scan, which does no harm. The watch of the sentinel is added after the watch of GLib, so if the limit of watches is
 * reached, at least the watch of the sentinel fails, and the reason is known.
 *
 * The sentinel needs a second watch for each directory. On systems without inotify it can't be created.
 *
 * Invariant: each overflow of the sentinel's queue is reported by exactly one call of the callback.
 */

typedef struct FsSentinel FsSentinel;
typedef void (*FsSentinelFunc) (gpointer data);

/* FALSE: this system has no inotify. */
gboolean fs_sentinel_is_available (void);

/* @overflowed: called in the default context. NULL: it can't be created now; @reason is for people (transfer none). It
 * also fails if there is no room for GLib's inotify queue, because GLib tries to create that queue only once in a process. */
FsSentinel *fs_sentinel_new (FsSentinelFunc overflowed, gpointer data, const char **reason);
void fs_sentinel_free (FsSentinel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsSentinel, fs_sentinel_free)

/* Adds a watch. Returns its number, or -1 with a @reason for people (transfer none). @directory: an open directory. */
int fs_sentinel_add (FsSentinel *self, int directory, const char **reason);
void fs_sentinel_remove (FsSentinel *self, int watch);

/* Returns the number of directories that the system allows this user to watch, with two watches each; G_MAXUINT: unknown. */
guint fs_sentinel_capacity (void);
