/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Folds notices of change: a program that writes a file in many steps causes many notices, but one event is enough.
 *
 * The module holds the first notice of a file, and counts further notices of the same file. The caller takes the notices of a file
 * and publishes one event for them when the file is closed after writing, when another event of the file occurs, when the first
 * notice was held for the longest allowed time, or when notices of too many files are held. Files are identified by path.
 * This module has no clock and publishes no events.
 *
 * Invariant: each notice that was added is in exactly one result of a take function, or still held.
 */

typedef struct FsFold FsFold;

/* @hold_us: time for which the first notice is held. @max: largest number of files with held notices. */
FsFold *fs_fold_new (gint64 hold_us, guint max);
void fs_fold_free (FsFold *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsFold, fs_fold_free)

/* Adds a notice. Call fs_fold_take_due() afterwards, because there may be one file too many now. */
void fs_fold_add (FsFold *self, const char *path, gint64 now_us);

/* Takes the notices of the file. Returns their number; 0: none were held. */
guint fs_fold_take (FsFold *self, const char *path);

/* Takes the notices of a file that are due. Returns its path; NULL: none are due. @count: (out): number of notices.
 * (transfer full) */
char *fs_fold_take_due (FsFold *self, gint64 now_us, guint *count);

/* Returns the time at which the next notices are due; -1: none are held. */
gint64 fs_fold_next_us (const FsFold *self);
