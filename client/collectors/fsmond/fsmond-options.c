/* SPDX-License-Identifier: Apache-2.0 */
#include "fsmond-options.h"

#include "fs-path.h"
#include "fs-watch.h"

#include <glib/gi18n.h>

/* Checks the paths of the command line. The paths are plain bytes: a backslash does not begin an escape. */
static gboolean
options_check_paths (char **paths, GError **error)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autofree char *text = fs_path_escape (paths[i]);
      g_autofree char *path = NULL;
      FsPathFault fault = fs_path_parse (text, &path);

      if (fault == FS_PATH_GOOD)
        continue;
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: %s", text, fs_path_fault_text (fault));
      return FALSE;
    }
  return TRUE;
}

static gboolean
options_check_number (const char *name, gint64 value, gint64 least, gint64 most, GError **error)
{
  g_autofree char *from = g_strdup_printf ("%" G_GINT64_FORMAT, least);
  g_autofree char *to = g_strdup_printf ("%" G_GINT64_FORMAT, most);

  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s must be %s to %s"), name, from, to);
  return FALSE;
}

gboolean
fsmond_options_check (FsmondOptions *self, GError **error)
{
  return options_check_paths (self->watch, error) && options_check_paths (self->watch_flat, error)
         && options_check_number ("--max-directories", self->max_directories, 1, FSMOND_DIRECTORIES_MAX, error)
         && options_check_number ("--max-entries", self->max_entries, 1, 100000000, error)
         && options_check_number ("--max-hash-bytes", self->max_hash_bytes, 1, G_MAXINT64, error)
         && options_check_number ("--max-hashes", self->max_hashes, 1, 64, error)
         && options_check_number ("--check", self->check_ms, 10, 3600000, error)
         && options_check_number ("--fold", self->fold_ms, 0, 60000, error);
}

void
fsmond_options_add (FsmondOptions *self, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "watch", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->watch,
      N_ ("Watch this directory and its subdirectories (repeatable)"), N_ ("DIR") },
    { "watch-flat", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->watch_flat,
      N_ ("Watch this directory without its subdirectories (repeatable)"), N_ ("DIR") },
    { "max-directories", 0, 0, G_OPTION_ARG_INT, &self->max_directories,
      N_ ("Watch at most this number of directories (default: 8192)"), "N" },
    { "max-entries", 0, 0, G_OPTION_ARG_INT, &self->max_entries,
      N_ ("Remember at most this number of files, to find missed changes (default: 262144)"), "N" },
    { "max-hash-bytes", 0, 0, G_OPTION_ARG_INT64, &self->max_hash_bytes,
      N_ ("Hash only files up to this size (default: 4294967296)"), N_ ("BYTES") },
    { "max-hashes", 0, 0, G_OPTION_ARG_INT, &self->max_hashes,
      N_ ("Hash up to this number of files at once (default: 2)"), "N" },
    { "hash-anywhere", 0, 0, G_OPTION_ARG_NONE, &self->hash_anywhere,
      N_ ("Hash also files outside the watched directories"), NULL },
    { "check", 0, 0, G_OPTION_ARG_INT, &self->check_ms,
      N_ ("Time between attempts to watch directories that can't be watched (default: 10000)"), N_ ("MS") },
    { "fold", 0, 0, G_OPTION_ARG_INT, &self->fold_ms,
      N_ ("Report changes of a file that stays open at most once in this time (default: 1000)"), N_ ("MS") },
    G_OPTION_ENTRY_NULL,
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
options_add_roots (GPtrArray *roots, char **paths, gboolean flat)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    g_ptr_array_add (roots, fs_root_new (paths[i], flat));
}

GPtrArray *
fsmond_options_roots (const FsmondOptions *self)
{
  GPtrArray *roots = g_ptr_array_new_with_free_func ((GDestroyNotify) fs_root_free);

  options_add_roots (roots, self->watch, FALSE);
  options_add_roots (roots, self->watch_flat, TRUE);
  return roots;
}

void
fsmond_options_clear (FsmondOptions *self)
{
  g_clear_pointer (&self->watch, g_strfreev);
  g_clear_pointer (&self->watch_flat, g_strfreev);
}
