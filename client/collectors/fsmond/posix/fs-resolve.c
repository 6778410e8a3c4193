/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-resolve.h"

FsResolve
fs_resolve_directory (const char *path, gboolean search, int *fd)
{
  return FS_RESOLVE_UNSUPPORTED;
}

FsResolve
fs_resolve_locate (int directory, const char *name, int *fd)
{
  return FS_RESOLVE_UNSUPPORTED;
}

FsResolve
fs_resolve_reopen (int located, int *fd)
{
  return FS_RESOLVE_UNSUPPORTED;
}
