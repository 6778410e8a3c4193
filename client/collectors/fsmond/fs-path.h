/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Paths as bytes, as text, and as peers send them.
 *
 * A path of the system is any bytes without NUL. Its text is valid UTF-8: other bytes and backslashes are escaped as \xNN, so the
 * text can be converted back to the bytes. A path that a peer sends is such a text, and must be in canonical form: absolute,
 * without empty components, "." and "..". This module does not examine symbolic links; fs-open refuses them.
 *
 * Invariant: for paths that fs_path_parse() accepts, fs_path_is_below() needs to compare only the components.
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

/* Returns a text for people with the fault and the remedy. */
const char *fs_path_fault_text (FsPathFault fault);

/* TRUE: the path is below the other one, or both are equal. Both are in the form of fs_path_parse(). */
gboolean fs_path_is_below (const char *path, const char *directory);

/* (transfer full) */
char *fs_path_join (const char *directory, const char *name);
