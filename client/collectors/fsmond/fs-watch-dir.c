/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"

/* GLib reports changes of one file at most this often. */
#define RATE_MS 100

/* --- one directory --- */

void
fs_watch_fail (FsDir *dir, const char *reason)
{
  g_free (dir->failure);
  dir->failure = g_strdup (reason);
}

/* Creates a monitor. GLib uses the path, so the function checks afterwards that the path still leads to the same directory. NULL:
 * @reason is set. */
static GFileMonitor *
watch_new_monitor (FsDir *dir, const char *path, char **reason)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  GFileMonitor *monitor = g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);

  if (monitor == NULL)
    {
      *reason = g_strdup (error->message);
      return NULL;
    }
  g_file_monitor_set_rate_limit (monitor, RATE_MS);
  g_signal_connect (monitor, "changed", G_CALLBACK (fs_watch_on_notice), dir);
  return monitor;
}

static gboolean
watch_still_leads_to (const char *path, const FsFacts *facts)
{
  FsFacts now;
  gboolean same;
  int fd;

  if (fs_open_directory (path, &fd) != FS_OPEN_DONE)
    return FALSE;
  same = fs_facts_of (fd, &now) && fs_facts_same_file (&now, facts);
  fs_close (fd);
  return same;
}

/* Makes @dir the only watched path of its directory. The kernel has one watch for a directory even if two paths lead to it, so
 * removing the watch of one path would end that of the other. If the path that is watched does not lead to the directory any more
 * (it was moved), its watch is removed. FALSE: another path of the directory is watched and still valid. */
static gboolean
watch_claim (FsWatch *self, FsDir *dir)
{
  FsDir *other = g_hash_table_lookup (self->by_file, &dir->facts);
  g_autofree char *path = other != NULL ? fs_dir_path (other) : NULL;

  if (path != NULL && watch_still_leads_to (path, &dir->facts))
    return FALSE;
  if (other != NULL)
    {
      fs_watch_stop (self, other);
      fs_watch_fail (other, fs_open_text (FS_OPEN_SWAPPED));
      fs_watch_mark (self, other->parent != NULL ? other->parent : other);
    }
  g_hash_table_insert (self->by_file, &dir->facts, dir);
  return TRUE;
}

/* Returns the reason why the directory is not watched; NULL: it is. */
static char *
watch_open_monitor (FsWatch *self, FsDir *dir, const char *path, int fd)
{
  const char *limit = NULL;
  char *reason = NULL;

  if (!fs_facts_of (fd, &dir->facts))
    return g_strdup ("it can't be examined");
  if (!watch_claim (self, dir))
    return g_strdup ("it is watched by another path (a bind mount)");
  dir->monitor = watch_new_monitor (dir, path, &reason);
  if (dir->monitor == NULL)
    return reason;
  self->watched++;
  if (self->sentinel != NULL)
    {
      dir->sentinel = fs_sentinel_add (self->sentinel, fd, &limit);
      if (dir->sentinel < 0)
        return g_strdup (limit);
    }
  return watch_still_leads_to (path, &dir->facts) ? NULL : g_strdup (fs_open_text (FS_OPEN_SWAPPED));
}

static char *
watch_directory (FsWatch *self, FsDir *dir)
{
  g_autofree char *path = fs_dir_path (dir);
  char *reason;
  FsOpenResult opened;
  int fd;

  if (self->sentinel == NULL && fs_sentinel_is_available ())
    return g_strdup (self->detection_fault);
  if (self->watched >= self->settings.max_directories)
    return g_strdup_printf ("the limit of %u directories is reached (max-directories)", self->settings.max_directories);
  opened = fs_open_directory (path, &fd);
  if (opened == FS_OPEN_ABSENT)
    dir->quiet = FALSE; /* entries that appear later are new */
  if (opened != FS_OPEN_DONE)
    return g_strdup (fs_open_text (opened));
  reason = watch_open_monitor (self, dir, path, fd);
  fs_close (fd);
  return reason;
}

/* Removes the old monitor first, because the old and the new one would share a watch in GLib, and freeing the old one would end
 * that watch. */
void
fs_watch_start (FsWatch *self, FsDir *dir)
{
  g_autofree char *reason = NULL;

  fs_watch_stop (self, dir);
  reason = watch_directory (self, dir);
  if (reason != NULL)
    fs_watch_stop (self, dir);
  else
    fs_watch_mark (self, dir);
  if (g_strcmp0 (reason, dir->failure) != 0)
    fs_watch_fail (dir, reason);
  fs_watch_touch (self);
}

void
fs_watch_stop (FsWatch *self, FsDir *dir)
{
  if (dir->sentinel >= 0)
    fs_sentinel_remove (self->sentinel, dir->sentinel);
  dir->sentinel = -1;
  if (g_hash_table_lookup (self->by_file, &dir->facts) == dir)
    g_hash_table_remove (self->by_file, &dir->facts);
  if (dir->monitor == NULL)
    return;
  g_signal_handlers_disconnect_by_data (dir->monitor, dir);
  g_file_monitor_cancel (dir->monitor);
  g_clear_object (&dir->monitor);
  self->watched--;
}

void
fs_watch_adopt_dir (FsWatch *self, FsDir *dir, gboolean quiet)
{
  dir->watch = self;
  dir->quiet = quiet;
  self->wanted++;
  fs_watch_start (self, dir);
}

void
fs_watch_add_dir (FsWatch *self, FsDir *parent, FsEntry *entry, gboolean quiet)
{
  fs_watch_adopt_dir (self, fs_tree_add_dir (parent, entry), quiet);
}

/* --- with all that is below --- */

static void
watch_forget_dir (FsWatch *self, FsDir *dir, FsEntry *entry)
{
  fs_watch_stop (self, dir);
  fs_watch_unmark (self, dir);
  self->wanted--;
  fs_tree_remove_dir (&self->tree, dir, entry);
}

void
fs_watch_drop_dir (FsWatch *self, FsDir *dir, FsEntry *entry)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (dir);

  for (guint i = dirs->len; i > 1; i--)
    {
      FsDir *below = dirs->pdata[i - 1];

      watch_forget_dir (self, below, fs_dir_lookup (below->parent, below->name));
    }
  watch_forget_dir (self, dir, entry);
  fs_watch_touch (self);
}

void
fs_watch_restart (FsWatch *self, FsDir *dir)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (dir);

  for (guint i = 0; i < dirs->len; i++)
    fs_watch_start (self, dirs->pdata[i]);
}
