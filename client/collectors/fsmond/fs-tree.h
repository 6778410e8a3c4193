/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

#include <gio/gio.h>

/*
 * The picture: the files below the watched directories as fsmond has reported them.
 *
 * A scan compares the picture with the file system, and the differences are what was missed. So an entry is added, changed or
 * removed only together with an event that was accepted for publishing, or when a directory is read for the first time. The number
 * of entries is limited; a directory with entries beyond the limit counts them, and nothing can be said about those later.
 *
 * This module touches no file. The fields under "watching" belong to fs-watch.
 *
 * Invariant: every directory but a root is the dir of exactly one entry, and all entries of all directories add up to
 * FsTree.entries.
 */

typedef struct FsDir FsDir;

typedef struct
{
  char *name;
  FsFacts facts;
  FsDir *dir;     /* (nullable): it is a directory whose contents are wanted */
  guint pass;     /* number of the scan that saw it last */
  gboolean found; /* a scan has reported that it was created; the notice of that may still come */
} FsEntry;

struct FsDir
{
  FsDir *parent;       /* NULL: a root */
  char *name;          /* of a root: its path */
  GHashTable *entries; /* name of a FsEntry: FsEntry */
  gboolean flat;       /* subdirectories are entries without dir */
  guint unknown;       /* entries beyond the limit, when it was scanned last */

  /* watching */
  gpointer watch;        /* borrowed */
  GFileMonitor *monitor; /* NULL: not watched */
  int sentinel;          /* its watch; -1: none */
  char *failure;         /* why it is not watched; NULL: it is */
  FsFacts facts;         /* of the directory that is watched */
  GList dirty_link;      /* in the queue of directories to scan */
  gboolean dirty, quiet; /* quiet: entries are not reported by the first scan */
};

typedef struct
{
  GHashTable *roots; /* name of a FsDir: FsDir */
  guint64 entries, max_entries;
} FsTree;

/* The owner removes all roots before it clears the tree. */
void fs_tree_init (FsTree *self, guint64 max_entries);
void fs_tree_clear (FsTree *self);

/* A root that does not exist yet; @flat: its subdirectories are not wanted. */
FsDir *fs_tree_add_root (FsTree *self, const char *path, gboolean flat);

/* The directory with that path among the wanted ones, or NULL. */
FsDir *fs_tree_find (const FsTree *self, const char *path);

/* (transfer full) */
char *fs_dir_path (const FsDir *dir);
char *fs_dir_path_of (const FsDir *dir, const char *name);

/* (transfer container) (element-type FsDir): the directory and all directories below it, each behind its parent */
GPtrArray *fs_dir_list (FsDir *dir);

FsEntry *fs_dir_lookup (const FsDir *dir, const char *name);

/* Adds the entry, or sets the facts of the one that exists. NULL: the limit is reached. */
FsEntry *fs_tree_put (FsTree *self, FsDir *dir, const char *name, const FsFacts *facts);

/* Frees the entry, which has no dir. */
void fs_tree_remove (FsTree *self, FsDir *dir, FsEntry *entry);

/* The directory of an entry. */
FsDir *fs_tree_add_dir (FsDir *parent, FsEntry *entry);

/* Moves the directory to an entry that has none, perhaps of another directory. */
void fs_tree_move_dir (FsDir *dir, FsEntry *from, FsDir *parent, FsEntry *to);

/* Frees the directory with its entries, none of which has a dir. @entry: (nullable): its entry, which stays. */
void fs_tree_remove_dir (FsTree *self, FsDir *dir, FsEntry *entry);
