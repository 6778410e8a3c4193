/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-open.h"

/*
 * Lists a directory in pieces, so that a large directory does not block the main loop.
 *
 * If an entry is created or removed while the directory is listed, the system decides whether the list contains it.
 */

typedef struct FsList FsList;

/* Takes ownership of @directory, also on failure. NULL: it can't be listed. */
FsList *fs_list_new (int directory);
void fs_list_free (FsList *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsList, fs_list_free)

typedef enum
{
  FS_LIST_ENTRY,
  FS_LIST_HIDDEN, /* there is an entry, but the system refuses its facts */
  FS_LIST_END,
  FS_LIST_FAILED,
} FsListResult;

/* Returns the next entry. @name is valid until the next call. @facts are unknown if the entry was removed meanwhile. */
FsListResult fs_list_next (FsList *self, const char **name, FsFacts *facts);
