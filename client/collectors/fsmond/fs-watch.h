/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

#include <gio/gio.h>

/*
 * Watches directories, with or without all that is below them, and reports changes as events.
 *
 * Each directory has a GFileMonitor. A new directory gets one, too, and is scanned: what appeared in it before is reported as
 * found. Notices of change are folded (fs-fold). The picture of what was reported (fs-tree) is compared with the file system when
 * notices were lost: by the kernel (fs-sentinel), or because the receiver of events accepted no more. Then an event LOST comes,
 * the directories concerned are scanned, differences are reported as found, and an event REPAIRED ends that.
 *
 * A directory that can't be watched is counted, with the reason, and tried again from time to time, as are roots that do not
 * exist or are other directories than before. Symbolic links are not followed.
 *
 * Everything runs in the default main context, in pieces that are short.
 *
 * Invariant: an event was accepted by the receiver, or its directory will be scanned.
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
  const char *path;     /* bytes of the system; NULL: none */
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
  guint fold_ms;  /* how long notices of change are held at most */
} FsWatchSettings;

typedef struct
{
  /* FALSE: the event is refused; it is offered again as the result of a scan. */
  gboolean (*event) (const FsEvent *event, gpointer data);
  /* The coverage is another one. */
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

/* @roots: (element-type FsRoot): all directories that are to be watched from now on. Files that a new one contains already are
 * not reported. */
void fs_watch_set_roots (FsWatch *self, GPtrArray *roots);
void fs_watch_set_max_directories (FsWatch *self, guint max_directories);

/* All first scans are over. */
gboolean fs_watch_is_settled (const FsWatch *self);

#define FS_FAILURES_MAX 64u

typedef struct
{
  guint wanted, watched, limit;
  GPtrArray *failures; /* of FsFailure, at most FS_FAILURES_MAX */
  guint64 entries, unknown_entries;
  guint64 overflows, unpublished;
  gboolean is_repairing;
  const char *blind; /* why overflows can't be noticed; NULL: they can */
} FsCoverage;

typedef struct
{
  char *path;
  char *reason;
} FsFailure;

void fs_watch_get_coverage (const FsWatch *self, FsCoverage *coverage);
void fs_coverage_clear (FsCoverage *coverage);
