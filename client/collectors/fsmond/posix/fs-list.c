/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-list.h"

#include <dirent.h>
#include <errno.h>

struct FsList
{
  DIR *stream;
};

FsList *
fs_list_new (int directory)
{
  DIR *stream = fdopendir (directory);
  FsList *self;

  if (stream == NULL)
    {
      fs_close (directory);
      return NULL;
    }
  self = g_new (FsList, 1);
  self->stream = stream;
  return self;
}

void
fs_list_free (FsList *self)
{
  if (self == NULL)
    return;
  closedir (self->stream);
  g_free (self);
}

static gboolean
list_is_dots (const char *name)
{
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* readdir() and fs_facts_at() leave errno as it is if they succeed. An entry is hidden if its directory can't be searched, or if a
 * user has mounted a file system over it that answers only to this user (FUSE). */
FsListResult
fs_list_next (FsList *self, const char **name, FsFacts *facts)
{
  const struct dirent *entry;

  do
    {
      errno = 0;
      entry = readdir (self->stream);
    }
  while (entry != NULL && list_is_dots (entry->d_name));
  if (entry == NULL)
    return errno == 0 ? FS_LIST_END : FS_LIST_FAILED;
  *name = entry->d_name;
  if (fs_facts_at (dirfd (self->stream), entry->d_name, facts))
    return FS_LIST_ENTRY;
  return errno == 0 || errno == ENOENT ? FS_LIST_ENTRY : FS_LIST_HIDDEN;
}
