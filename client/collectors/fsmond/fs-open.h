/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

/*
 * Opens files and directories by path without following a symbolic link, without waiting, and without touching a device.
 *
 * Somebody who can write to a directory on the way can swap any component at any time. So each component is opened relative to
 * the one before, and none of them may be a link; on Linux the kernel does this in one call where it can (openat2). A file is
 * examined before it is opened for reading: only a regular one is, so a fifo without a writer can't block fsmond and no device is
 * opened. Mount points are followed.
 *
 * Paths are in the form of fs_path_parse().
 *
 * Invariant: a descriptor that is returned belongs to the file at that path, reached through directories only.
 */

typedef enum
{
  FS_OPEN_DONE,
  FS_OPEN_ABSENT,
  FS_OPEN_DENIED,
  FS_OPEN_SYMLINK,       /* the file or a directory on the way */
  FS_OPEN_NOT_DIRECTORY, /* a component on the way, or what should be a directory */
  FS_OPEN_NOT_REGULAR,
  FS_OPEN_SWAPPED, /* another file took its name meanwhile */
  FS_OPEN_FAILED,
} FsOpenResult;

/* For people. */
const char *fs_open_text (FsOpenResult result);

/* A directory, for listing. @fd is set if the result is FS_OPEN_DONE; close it with fs_close(). */
FsOpenResult fs_open_directory (const char *path, int *fd);

/* A regular file, for reading. @facts: of the open file. */
FsOpenResult fs_open_regular (const char *path, int *fd, FsFacts *facts);

/* The same without the call of the kernel that opens a whole path, for systems that do not have it. */
FsOpenResult fs_open_directory_by_steps (const char *path, int *fd);
FsOpenResult fs_open_regular_by_steps (const char *path, int *fd, FsFacts *facts);

/* A directory, by its name in another one. */
FsOpenResult fs_open_subdirectory (int parent, const char *name, int *fd);

/* Facts of an open file, or of a name in an open directory; links are not followed. FALSE: @facts are unknown. */
gboolean fs_facts_of (int fd, FsFacts *facts);
gboolean fs_facts_at (int directory, const char *name, FsFacts *facts);

/* Bytes that were read; 0: the end; -1: failure. */
gssize fs_read (int fd, void *buffer, gsize size);
void fs_close (int fd);
