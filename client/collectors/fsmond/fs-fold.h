/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Folds notices of change: a program that writes a file in many steps causes many notices, and one event is enough.
 *
 * The first notice of a file is held. Further ones are counted to it, until the file is closed after writing, something else
 * happens to the file, the time is over, or the memory is needed: the caller takes the notices then and publishes them as one
 * event. Files are named by path. This module has no clock and publishes nothing.
 *
 * Invariant: each notice that was added is in exactly one answer of a take function, or still held.
 */

typedef struct FsFold FsFold;

/* @hold_us: how long the first notice waits; @max: number of files with held notices. */
FsFold *fs_fold_new (gint64 hold_us, guint max);
void fs_fold_free (FsFold *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsFold, fs_fold_free)

/* The file may be the one too many; take with fs_fold_take_due() after it. */
void fs_fold_add (FsFold *self, const char *path, gint64 now_us);

/* The number of notices that were held for the file; 0: none. They are not held any more. */
guint fs_fold_take (FsFold *self, const char *path);

/* The file whose notices are due first, or NULL. @count: of notices. (transfer full) */
char *fs_fold_take_due (FsFold *self, gint64 now_us, guint *count);

/* When the next notices are due; -1: none are held. */
gint64 fs_fold_next_us (const FsFold *self);
