/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-open.h"

#include <gio/gio.h>

/*
 * The digest of one regular file, read in a thread.
 *
 * The file is opened without following links (fs-open) and examined before and after it is read. If its size or times differ, the
 * file changed while it was read. Then no digest is returned, because the bytes may be a mix of an old and a new state. A write
 * through a mapping changes the times only when its pages are written back, so it may not be detected.
 *
 * Invariant: the number of bytes that are read is at most one more than the size of the file when it was opened.
 */

typedef enum
{
  FS_HASH_DONE,
  FS_HASH_NOT_OPENED, /* see FsHashed.opened */
  FS_HASH_TOO_LARGE,
  FS_HASH_CHANGED,
  FS_HASH_UNREADABLE,
  FS_HASH_CANCELLED,
} FsHashResult;

/* Called before the first byte, after each piece, and at the end. */
typedef void (*FsHashProgress) (guint64 done, guint64 total, gpointer data);

typedef struct
{
  const char *path; /* in the form of fs_path_parse() */
  GChecksumType algorithm;
  guint64 max_bytes;
  GCancellable *cancellable; /* (nullable) */
  FsHashProgress progress;   /* (nullable) */
  gpointer data;
} FsHashJob;

typedef struct
{
  FsOpenResult opened;
  FsFacts facts;      /* of the file when it was opened */
  FsFacts facts_last; /* when it had been read */
  char *digest;       /* hexadecimal; NULL unless FS_HASH_DONE */
} FsHashed;

/* Reads the file; it blocks. @hashed: clear it with fs_hashed_clear(), also after a failure. */
FsHashResult fs_hash_run (const FsHashJob *job, FsHashed *hashed);
void fs_hashed_clear (FsHashed *hashed);

/* @name: as in HashQuery; "" is the default. FALSE: there is no such algorithm. */
gboolean fs_hash_algorithm (const char *name, GChecksumType *algorithm);
const char *fs_hash_algorithm_name (GChecksumType algorithm);
