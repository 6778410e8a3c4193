/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The facts that fsmond keeps about one file: its kind, identity, size and times.
 *
 * If the identity at a path differs from the one before, the path leads to another file now. If identity, size and times are
 * equal, the file has very probably not changed. A writer can reset the time of modification, but not the time of change,
 * which only the kernel sets.
 *
 * Invariant: facts with the kind FS_KIND_UNKNOWN are all zero.
 */

/* The numbers of FileKind in proto/filesystem.proto. */
typedef enum
{
  FS_KIND_UNKNOWN = 0,
  FS_KIND_REGULAR = 1,
  FS_KIND_DIRECTORY = 2,
  FS_KIND_SYMLINK = 3,
  FS_KIND_FIFO = 4,
  FS_KIND_SOCKET = 5,
  FS_KIND_DEVICE = 6,
} FsKind;

typedef struct
{
  FsKind kind;
  guint64 device;
  guint64 inode;
  guint64 size;
  guint64 links;
  gint64 modified_ns; /* programs can set it */
  gint64 changed_ns;  /* only the kernel sets it */
} FsFacts;

static inline gboolean
fs_facts_same_file (const FsFacts *a, const FsFacts *b)
{
  return a->kind == b->kind && a->device == b->device && a->inode == b->inode;
}

static inline gboolean
fs_facts_same_content (const FsFacts *a, const FsFacts *b)
{
  return fs_facts_same_file (a, b) && a->size == b->size && a->modified_ns == b->modified_ns;
}

static inline gboolean
fs_facts_equal (const FsFacts *a, const FsFacts *b)
{
  return fs_facts_same_content (a, b) && a->changed_ns == b->changed_ns;
}
