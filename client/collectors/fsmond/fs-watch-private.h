/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-fold.h"
#include "fs-list.h"
#include "fs-sentinel.h"
#include "fs-tree.h"
#include "fs-watch.h"

/*
 * The state that the files of fs-watch share: fs-watch (roots), fs-watch-dir (monitors), fs-watch-notice (notices of the
 * monitors), fs-watch-scan (comparing with the file system), fs-watch-event (publishing) and fs-watch-coverage.
 *
 * Invariant: wanted is the number of directories in the tree, and watched is the number of those with a monitor.
 */

struct FsWatch
{
  FsWatchSettings settings;
  FsWatchReceiver receiver;
  FsTree tree;
  GHashTable *by_file; /* facts of a FsDir: FsDir; contains the directories with a monitor */
  FsFold *fold;
  FsSentinel *sentinel;
  const char *detection_fault; /* the reason why there is no sentinel */
  guint wanted, watched;
  guint64 overflows, unpublished;

  const char *lost; /* detail of an event LOST that must be published before any other event; NULL: none */
  gboolean is_repairing;

  GQueue dirty;   /* of FsDir: to be scanned */
  FsDir *scanned; /* NULL: no scan runs */
  FsList *list;
  guint pass;

  guint scan, folding, check, changed; /* sources; 0: none */
};

/* --- fs-watch-event: publishing --- */

/* FALSE: the receiver refused the event, and @dir will be scanned. */
gboolean fs_watch_publish (FsWatch *self, FsDir *dir, const FsEvent *event);
/* Requests an event LOST, which is published before any other event. REPAIRED follows when all marked directories were scanned. */
void fs_watch_lose (FsWatch *self, const char *reason);
/* Publishes LOST if it was requested. FALSE: the receiver refused it. */
gboolean fs_watch_publish_lost (FsWatch *self);
/* Notes that the coverage has changed: the receiver is called later, from the main loop. */
void fs_watch_touch (FsWatch *self);

/* Returns the facts of an entry, or of the directory itself (NULL); they are unknown if it does not exist any more. */
FsFacts fs_watch_examine (const FsDir *dir, const char *name);

/* Publishes the notices of change that are held for the file. FALSE: the receiver refused the event. */
gboolean fs_watch_flush (FsWatch *self, FsDir *dir, const char *name);
void fs_watch_fold (FsWatch *self, FsDir *dir, const char *name);

/* Removes the entry and all entries below it, and publishes their removal. FALSE: the receiver refused an event; some entries
 * may be removed. */
gboolean fs_watch_remove_entry (FsWatch *self, FsDir *dir, FsEntry *entry, gboolean found, gboolean moved);

/* --- fs-watch-dir: monitors --- */

/* Adds the directory of an entry of @parent. @quiet: its contents are not reported. */
void fs_watch_add_dir (FsWatch *self, FsDir *parent, FsEntry *entry, gboolean quiet);
void fs_watch_adopt_dir (FsWatch *self, FsDir *dir, gboolean quiet);
/* Removes the directory and all below it, without events. @entry: (nullable): its entry. */
void fs_watch_drop_dir (FsWatch *self, FsDir *dir, FsEntry *entry);
void fs_watch_start (FsWatch *self, FsDir *dir);
void fs_watch_stop (FsWatch *self, FsDir *dir);
/* @reason: (nullable): NULL: it is watched. */
void fs_watch_fail (FsDir *dir, const char *reason);
/* Watches the directory and all below it again, because its path has changed. */
void fs_watch_restart (FsWatch *self, FsDir *dir);

/* --- fs-watch: roots --- */

void fs_watch_check_root (FsWatch *self, FsDir *root);

/* --- fs-watch-notice --- */

void fs_watch_on_notice (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent type, gpointer dir);

/* --- fs-watch-scan --- */

void fs_watch_mark (FsWatch *self, FsDir *dir);
void fs_watch_mark_all (FsWatch *self);
void fs_watch_unmark (FsWatch *self, FsDir *dir);
void fs_watch_abort_scans (FsWatch *self);
