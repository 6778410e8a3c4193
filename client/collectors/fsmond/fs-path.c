/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-path.h"

#include <string.h>

static void
path_append_valid (GString *out, const char *at, const char *end)
{
  for (; at < end; at++)
    if (*at == '\\')
      g_string_append (out, "\\x5c");
    else
      g_string_append_c (out, *at);
}

char *
fs_path_escape (const char *bytes)
{
  GString *out = g_string_new (NULL);
  const char *at = bytes;

  while (*at != '\0')
    {
      const char *bad;

      g_utf8_validate (at, -1, &bad);
      path_append_valid (out, at, bad);
      if (*bad != '\0')
        g_string_append_printf (out, "\\x%02x", (guint8) *bad++);
      at = bad;
    }
  return g_string_free (out, FALSE);
}

/* The byte of an escape, or -1. */
static int
path_read_escape (const char *at)
{
  int high, low;

  if (at[1] != 'x')
    return -1;
  high = g_ascii_xdigit_value (at[2]);
  low = high >= 0 ? g_ascii_xdigit_value (at[3]) : -1;
  return low >= 0 ? high * 16 + low : -1;
}

static FsPathFault
path_unescape (const char *text, GString *out)
{
  for (const char *at = text; *at != '\0'; at++)
    {
      int byte = *at == '\\' ? path_read_escape (at) : (guint8) *at;

      if (byte < 0)
        return FS_PATH_ESCAPE;
      if (byte == 0)
        return FS_PATH_NUL;
      if (*at == '\\')
        at += strlen ("\\xNN") - 1;
      g_string_append_c (out, (char) byte);
    }
  return FS_PATH_GOOD;
}

static FsPathFault
path_check_component (const char *at, gsize len)
{
  if (len == 0)
    return FS_PATH_SLASHES;
  if (len > FS_NAME_BYTES)
    return FS_PATH_LONG;
  return (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.') ? FS_PATH_DOTS : FS_PATH_GOOD;
}

static FsPathFault
path_check (const char *path)
{
  if (*path == '\0')
    return FS_PATH_EMPTY;
  if (*path != '/')
    return FS_PATH_RELATIVE;
  if (strlen (path) > FS_PATH_BYTES)
    return FS_PATH_LONG;
  if (path[1] == '\0')
    return FS_PATH_GOOD;
  for (const char *at = path; *at != '\0';)
    {
      gsize len = strcspn (++at, "/");
      FsPathFault fault = path_check_component (at, len);

      if (fault != FS_PATH_GOOD)
        return fault;
      at += len;
    }
  return FS_PATH_GOOD;
}

FsPathFault
fs_path_parse (const char *text, char **path)
{
  GString *bytes = g_string_new (NULL);
  FsPathFault fault = path_unescape (text, bytes);

  if (fault == FS_PATH_GOOD)
    fault = path_check (bytes->str);
  *path = g_string_free (bytes, fault != FS_PATH_GOOD);
  return fault;
}

const char *
fs_path_fault_text (FsPathFault fault)
{
  static const char *const texts[] = {
    [FS_PATH_GOOD] = "the path is valid",
    [FS_PATH_EMPTY] = "the path is empty; give an absolute path",
    [FS_PATH_RELATIVE] = "the path does not begin with /; give an absolute path",
    [FS_PATH_DOTS] = "the path contains . or .. as a component; give the path without them",
    [FS_PATH_SLASHES] = "the path contains // or ends in /; give the path without empty components",
    [FS_PATH_NUL] = "the path contains a NUL, which no file name can",
    [FS_PATH_ESCAPE] = "the path contains a backslash that begins no \\xNN; write a backslash as \\x5c",
    [FS_PATH_LONG] = "the path has more than 4095 bytes, or a component of it more than 255",
  };

  return texts[fault];
}

gboolean
fs_path_is_below (const char *path, const char *directory)
{
  gsize len = strlen (directory);

  if (g_str_equal (directory, "/"))
    return TRUE;
  return strncmp (path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

char *
fs_path_join (const char *directory, const char *name)
{
  return g_strconcat (g_str_equal (directory, "/") ? "" : directory, "/", name, NULL);
}
