/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

#include <gio/gio.h>

/*
 * Watches directories, with or without their subdirectories, and reports changes as events.
 *
 * Each directory has a GFileMonitor. A new directory gets a monitor, too, and is scanned: entries that were created in it before
 * the monitor existed are reported as found. Notices of change are folded (fs-fold).
 *
 * Notices may be lost: the kernel drops them (fs-sentinel), or the receiver refuses events. Then an event LOST is reported, the
 * directories concerned are scanned and compared with the tree of reported files (fs-tree), the differences are reported as
 * found, and an event REPAIRED follows.
 *
 * A directory that can't be watched is counted, with the reason, and tried again from time to time. The same applies to a root
 * that does not exist, or whose path leads to another directory than before. Symbolic links are not followed.
 *
 * All work is done in the default main context, in short pieces.
 *
 * Invariant: either the receiver has accepted an event, or its directory will be scanned.
 */

/* The numbers of FileEventKind in proto/filesystem.proto. */
typedef enum
{
  FS_EVENT_CREATED = 1,
  FS_EVENT_CHANGED = 2,
  FS_EVENT_DELETED = 3,
  FS_EVENT_MOVED = 4,
  FS_EVENT_ATTRIBUTES = 5,
  FS_EVENT_UNMOUNTED = 6,
  FS_EVENT_LOST = 7,
  FS_EVENT_REPAIRED = 8,
} FsEventKind;

/* Fields as in FileEvent. */
typedef struct
{
  FsEventKind kind;
  const char *path;     /* unescaped bytes; NULL: none */
  const char *moved_to; /* (nullable) */
  FsFacts facts;
  gboolean found;
  gboolean complete;
  gboolean moved;
  guint folded;
  const char *detail; /* (nullable) */
} FsEvent;

typedef struct
{
  guint max_directories;
  guint64 max_entries;
  guint check_ms; /* time between two polls of directories that can't be watched, and of the roots */
  guint fold_ms;  /* longest time for which notices of change are held */
} FsWatchSettings;

typedef struct
{
  /* Reports an event. FALSE: the receiver refuses it; a scan will report the change again. */
  gboolean (*event) (const FsEvent *event, gpointer data);
  /* The coverage has changed. */
  void (*changed) (gpointer data);
  gpointer data;
} FsWatchReceiver;

typedef struct FsWatch FsWatch;

FsWatch *fs_watch_new (const FsWatchSettings *settings, const FsWatchReceiver *receiver);
void fs_watch_free (FsWatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsWatch, fs_watch_free)

typedef struct
{
  char *path; /* in the form of fs_path_parse() */
  gboolean flat;
} FsRoot;

FsRoot *fs_root_new (const char *path, gboolean flat);
void fs_root_free (FsRoot *root);

/* Replaces the watched directories by @roots (element-type FsRoot). The files that a new root contains at this time are not
 * reported. */
void fs_watch_set_roots (FsWatch *self, GPtrArray *roots);
void fs_watch_set_max_directories (FsWatch *self, guint max_directories);

/* TRUE: all first scans have ended. */
gboolean fs_watch_is_settled (const FsWatch *self);

#define FS_FAILURES_MAX 64u

typedef struct
{
  guint wanted, watched, limit;
  GPtrArray *failures; /* of FsFailure, at most FS_FAILURES_MAX */
  guint64 entries, unknown_entries;
  guint64 overflows, unpublished;
  gboolean is_repairing;
  const char *detection_fault; /* the reason why overflows can't be detected; NULL: overflows are detected */
} FsCoverage;

typedef struct
{
  char *path;
  char *reason;
} FsFailure;

void fs_watch_get_coverage (const FsWatch *self, FsCoverage *coverage);
void fs_coverage_clear (FsCoverage *coverage);
