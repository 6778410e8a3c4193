/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Opens whole paths with system calls that only one operating system has. fs-open uses this module; on other systems fs-open opens
 * one component after the other.
 *
 * Invariant: no symbolic link is followed, and only directories and examined regular files are opened for reading.
 */

typedef enum
{
  FS_RESOLVE_DONE,
  FS_RESOLVE_FAILED,      /* errno is set */
  FS_RESOLVE_UNSUPPORTED, /* the system has no such call */
} FsResolve;

/* @search: the descriptor is used only for opening entries of the directory, which needs fewer rights than listing it. */
FsResolve fs_resolve_directory (const char *path, gboolean search, int *fd);

/* Opens for reading the file to which @located refers, a descriptor without rights. */
FsResolve fs_resolve_reopen (int located, int *fd);

/* Returns a descriptor without rights for a name in a directory, for each type of file, without opening the file itself. */
FsResolve fs_resolve_locate (int directory, const char *name, int *fd);
