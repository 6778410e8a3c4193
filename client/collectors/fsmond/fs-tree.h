/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

#include <gio/gio.h>

/*
 * The tree of the files below the watched directories, in the state that fsmond has reported.
 *
 * A scan compares the tree with the file system; the differences are the changes that were missed. So an entry is added, changed
 * or removed only together with an event that was accepted for publishing, or when a directory is read for the first time. The
 * number of entries is limited. A directory counts its entries beyond the limit; a scan does not detect later
 * changes of these entries.
 *
 * This module does not access files. The fields under "watching" belong to fs-watch.
 *
 * Invariant: every directory except a root is the dir of exactly one entry, and FsTree.entries is the number of entries of all
 * directories.
 */

typedef struct FsDir FsDir;

typedef struct
{
  char *name;
  FsFacts facts;
  FsDir *dir;     /* (nullable): it is a directory whose contents are wanted */
  guint pass;     /* number of the last scan that found it */
  gboolean found; /* a scan has reported its creation; the system's notice may still arrive */
} FsEntry;

struct FsDir
{
  FsDir *parent;       /* NULL: a root */
  char *name;          /* of a root: its path */
  GHashTable *entries; /* name of a FsEntry: FsEntry */
  gboolean flat;       /* subdirectories are entries without dir */
  guint unknown;       /* entries beyond the limit in the last scan */
  guint hidden;        /* entries that the last scan could not examine; 1 also if the list ended early */
  guint hidden_checks; /* checks between two scans of a directory with hidden entries */
  guint hidden_left;   /* of these, the number that is left */

  /* watching */
  gpointer watch;        /* borrowed */
  GFileMonitor *monitor; /* NULL: not watched */
  int sentinel;          /* its watch; -1: none */
  char *failure;         /* the reason why it is not watched; NULL: it is watched */
  FsFacts facts;         /* of the directory that is watched */
  GList dirty_link;      /* in the queue of directories to scan */
  gboolean dirty, quiet; /* quiet: entries are not reported by the first scan */
};

typedef struct
{
  GHashTable *roots; /* name of a FsDir: FsDir */
  guint64 entries, max_entries;
} FsTree;

/* The owner must remove all roots before it clears the tree. */
void fs_tree_init (FsTree *self, guint64 max_entries);
void fs_tree_clear (FsTree *self);

/* Adds a root, which must not exist yet. @flat: its subdirectories are not watched. */
FsDir *fs_tree_add_root (FsTree *self, const char *path, gboolean flat);

/* Finds the directory with that path; NULL: it is not in the tree. */
FsDir *fs_tree_find (const FsTree *self, const char *path);

/* (transfer full) */
char *fs_dir_path (const FsDir *dir);
char *fs_dir_path_of (const FsDir *dir, const char *name);

/* Returns the directory and all directories below it, each after its parent. (transfer container) (element-type FsDir) */
GPtrArray *fs_dir_list (FsDir *dir);

FsEntry *fs_dir_lookup (const FsDir *dir, const char *name);

/* Adds the entry, or sets the facts of an existing one. NULL: the limit is reached. */
FsEntry *fs_tree_put (FsTree *self, FsDir *dir, const char *name, const FsFacts *facts);

/* Frees the entry, which must not have a dir. */
void fs_tree_remove (FsTree *self, FsDir *dir, FsEntry *entry);

/* Creates the dir of an entry of @parent. */
FsDir *fs_tree_add_dir (FsDir *parent, FsEntry *entry);

/* Moves the directory to an entry without dir, which may be in another directory. */
void fs_tree_move_dir (FsDir *dir, FsEntry *from, FsDir *parent, FsEntry *to);

/* Frees the directory and its entries, none of which may have a dir. @entry: (nullable): its own entry, which is kept. */
void fs_tree_remove_dir (FsTree *self, FsDir *dir, FsEntry *entry);
