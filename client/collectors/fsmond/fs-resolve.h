/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Opens whole paths by calls that only one operating system has. Used by fs-open, which opens one component after the other where
 * this module can't open the path.
 *
 * Invariant: no symbolic link is followed, and nothing but a directory or an examined regular file is opened for reading.
 */

typedef enum
{
  FS_RESOLVE_DONE,
  FS_RESOLVE_FAILED,      /* errno is set */
  FS_RESOLVE_UNSUPPORTED, /* this system can't */
} FsResolve;

/* @search: the descriptor is only for opening what is in the directory, which takes fewer rights than listing it. */
FsResolve fs_resolve_directory (const char *path, gboolean search, int *fd);

/* Opens for reading exactly the file that @located, a descriptor without rights, belongs to. */
FsResolve fs_resolve_reopen (int located, int *fd);

/* A descriptor without rights of a name in a directory, whatever it is, without opening the file itself. */
FsResolve fs_resolve_locate (int directory, const char *name, int *fd);
