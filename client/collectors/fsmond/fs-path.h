/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Paths as bytes, as text, and as peers send them.
 *
 * A path of the system is any bytes without NUL. Its text is valid UTF-8: other bytes and backslashes are escaped as \xNN, so the
 * text leads back to the bytes. A path that a peer sends is such a text, and must be in the one form that names a file without
 * detours: absolute, no empty component, no "." and no "..". Symbolic links are not examined here; fs-open refuses them.
 *
 * Invariant: what fs_path_parse() accepts is a path that fs_path_is_below() can judge by its components alone.
 */

#define FS_PATH_BYTES 4095u
#define FS_NAME_BYTES 255u

typedef enum
{
  FS_PATH_GOOD,
  FS_PATH_EMPTY,
  FS_PATH_RELATIVE,
  FS_PATH_DOTS,
  FS_PATH_SLASHES,
  FS_PATH_NUL,
  FS_PATH_ESCAPE,
  FS_PATH_LONG,
} FsPathFault;

/* (transfer full) */
char *fs_path_escape (const char *bytes);

/* @path is set if the result is FS_PATH_GOOD. */
FsPathFault fs_path_parse (const char *text, char **path);

/* For people: what is wrong, and what is needed. */
const char *fs_path_fault_text (FsPathFault fault);

/* Also TRUE if both are the same. Both are in the form of fs_path_parse(). */
gboolean fs_path_is_below (const char *path, const char *directory);

/* (transfer full) */
char *fs_path_join (const char *directory, const char *name);
