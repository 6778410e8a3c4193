/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-facts.h"

/*
 * Opens files and directories by path without following a symbolic link, without waiting, and without touching a device.
 *
 * A process that can write to a directory of the path can replace a component at any time. So each component is opened relative to
 * the one before, and none of them may be a link; on Linux the kernel does this in one call if it supports openat2(). A file
 * is examined before it is opened for reading, and only a regular file is opened: a fifo without a writer can't block fsmond,
 * and no device is opened. Mount points are followed.
 *
 * Paths are in the form of fs_path_parse().
 *
 * Invariant: a returned descriptor refers to the file at that path, which was reached only through directories.
 */

typedef enum
{
  FS_OPEN_DONE,
  FS_OPEN_ABSENT,
  FS_OPEN_DENIED,
  FS_OPEN_SYMLINK,       /* the file or a component of the path is a link */
  FS_OPEN_NOT_DIRECTORY, /* a component of the path, or the directory itself, is another type of file */
  FS_OPEN_NOT_REGULAR,
  FS_OPEN_SWAPPED, /* the name leads to another file now */
  FS_OPEN_FAILED,
} FsOpenResult;

/* Returns a text for people. */
const char *fs_open_text (FsOpenResult result);

/* Opens a directory for listing. @fd is set if the result is FS_OPEN_DONE; close it with fs_close(). */
FsOpenResult fs_open_directory (const char *path, int *fd);

/* Opens a regular file for reading. @facts: of the open file. */
FsOpenResult fs_open_regular (const char *path, int *fd, FsFacts *facts);

/* Do the same without the system call that opens a whole path, for systems that do not have it. */
FsOpenResult fs_open_directory_by_steps (const char *path, int *fd);
FsOpenResult fs_open_regular_by_steps (const char *path, int *fd, FsFacts *facts);

/* Opens a directory by its name in an open directory. */
FsOpenResult fs_open_subdirectory (int parent, const char *name, int *fd);

/* Read the facts of an open file, or of a name in an open directory without following links. FALSE: @facts are unknown. */
gboolean fs_facts_of (int fd, FsFacts *facts);
gboolean fs_facts_at (int directory, const char *name, FsFacts *facts);

/* Returns the number of bytes that were read; 0: the end; -1: failed. */
gssize fs_read (int fd, void *buffer, gsize size);
void fs_close (int fd);
