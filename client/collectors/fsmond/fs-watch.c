/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-path.h"
#include "fs-watch-private.h"

#include <string.h>

/* The largest number of files with held notices of change. */
#define FOLD_MAX 4096u

/* Checks between two scans of a directory with hidden entries, at most: a user can hide an entry at no cost, for ever, and each
 * scan examines all entries. */
#define HIDDEN_CHECKS_MAX 64u

/* --- failures --- */

/* The number of checks between two scans doubles with each scan that finds hidden entries. */
static void
watch_retry_hidden (FsWatch *self, FsDir *dir)
{
  if (dir->hidden_left > 0)
    {
      dir->hidden_left--;
      return;
    }
  dir->hidden_left = dir->hidden_checks;
  dir->hidden_checks = MIN (MAX (1, 2 * dir->hidden_checks), HIDDEN_CHECKS_MAX);
  fs_watch_mark (self, dir);
}

static void
watch_retry_below (FsWatch *self, FsDir *root)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (root);

  for (guint i = 0; i < dirs->len; i++)
    {
      FsDir *dir = dirs->pdata[i];

      if (dir->failure != NULL)
        fs_watch_start (self, dir);
      else if (dir->hidden > 0)
        watch_retry_hidden (self, dir);
    }
}

/* Publishes the removal of the entries of a root that does not exist any more. */
static void
watch_empty_root (FsWatch *self, FsDir *root)
{
  g_autoptr (GList) entries = g_hash_table_get_values (root->entries);
  const FsEvent event = { .kind = FS_EVENT_DELETED, .path = root->name, .facts = root->facts };

  for (GList *at = entries; at != NULL; at = at->next)
    if (!fs_watch_remove_entry (self, root, at->data, TRUE, FALSE))
      return;
  fs_watch_publish (self, root, &event);
}

/* Checks that the path of the root still leads to the same directory. This is polled, because a change of the path causes no
 * notice. */
void
fs_watch_check_root (FsWatch *self, FsDir *root)
{
  FsOpenResult opened;
  FsFacts facts;
  int fd;

  if (root->failure != NULL)
    return;
  opened = fs_open_directory (root->name, &fd);
  if (opened == FS_OPEN_DONE)
    {
      gboolean same = fs_facts_of (fd, &facts) && fs_facts_same_file (&facts, &root->facts);

      fs_close (fd);
      if (!same)
        fs_watch_start (self, root);
      return;
    }
  fs_watch_stop (self, root);
  fs_watch_fail (root, fs_open_text (opened));
  if (opened == FS_OPEN_ABSENT)
    watch_empty_root (self, root);
  fs_watch_touch (self);
}

static void
watch_on_overflow (gpointer data)
{
  FsWatch *self = data;

  self->overflows++;
  fs_watch_lose (self, "the kernel's queue of notices overflowed (fs.inotify.max_queued_events)");
  fs_watch_mark_all (self);
}

static void
watch_make_sentinel (FsWatch *self)
{
  if (self->sentinel == NULL)
    self->sentinel = fs_sentinel_new (watch_on_overflow, self, &self->detection_fault);
  if (self->sentinel != NULL)
    self->detection_fault = NULL;
}

static gboolean
watch_on_check (gpointer data)
{
  FsWatch *self = data;
  g_autoptr (GList) roots = g_hash_table_get_values (self->tree.roots);

  watch_make_sentinel (self);
  for (GList *at = roots; at != NULL; at = at->next)
    {
      fs_watch_check_root (self, at->data);
      watch_retry_below (self, at->data);
    }
  return G_SOURCE_CONTINUE;
}

/* --- roots --- */

FsRoot *
fs_root_new (const char *path, gboolean flat)
{
  FsRoot *root = g_new (FsRoot, 1);

  *root = (FsRoot){ g_strdup (path), flat };
  return root;
}

void
fs_root_free (FsRoot *root)
{
  g_free (root->path);
  g_free (root);
}

/* TRUE: another root already covers it. Of two equal roots the first one is used. */
static gboolean
watch_is_covered (GPtrArray *roots, guint i)
{
  const FsRoot *root = g_ptr_array_index (roots, i);

  for (guint n = 0; n < roots->len; n++)
    {
      const FsRoot *other = g_ptr_array_index (roots, n);
      gboolean same = g_str_equal (root->path, other->path);

      if (n != i && same && (n < i ? root->flat || !other->flat : root->flat && !other->flat))
        return TRUE;
      if (!same && !other->flat && fs_path_is_below (root->path, other->path))
        return TRUE;
    }
  return FALSE;
}

/* Returns a table path: FsRoot, without roots that another root covers. */
static GHashTable *
watch_choose_roots (GPtrArray *roots)
{
  GHashTable *chosen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < roots->len; i++)
    {
      FsRoot *root = g_ptr_array_index (roots, i);

      if (!watch_is_covered (roots, i))
        g_hash_table_insert (chosen, root->path, root);
    }
  return chosen;
}

void
fs_watch_set_roots (FsWatch *self, GPtrArray *roots)
{
  g_autoptr (GHashTable) chosen = watch_choose_roots (roots);
  g_autoptr (GList) present = g_hash_table_get_values (self->tree.roots);
  GHashTableIter iter;
  gpointer value;

  for (GList *at = present; at != NULL; at = at->next)
    {
      FsDir *dir = at->data;
      const FsRoot *root = g_hash_table_lookup (chosen, dir->name);

      if (root == NULL || root->flat != dir->flat)
        fs_watch_drop_dir (self, dir, NULL);
    }
  g_hash_table_iter_init (&iter, chosen);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const FsRoot *root = value;

      if (!g_hash_table_contains (self->tree.roots, root->path))
        fs_watch_adopt_dir (self, fs_tree_add_root (&self->tree, root->path, root->flat), TRUE);
    }
  fs_watch_touch (self);
}

void
fs_watch_set_max_directories (FsWatch *self, guint max_directories)
{
  g_autoptr (GList) roots = g_hash_table_get_values (self->tree.roots);

  self->settings.max_directories = MIN (max_directories, fs_sentinel_capacity ());
  for (GList *at = roots; at != NULL; at = at->next)
    watch_retry_below (self, at->data);
  fs_watch_touch (self);
}

gboolean
fs_watch_is_settled (const FsWatch *self)
{
  return self->scanned == NULL && self->dirty.length == 0 && !self->is_repairing;
}

/* --- life --- */

static guint
watch_hash_file (gconstpointer key)
{
  const FsFacts *facts = key;

  return g_int64_hash (&facts->inode) ^ (guint) facts->device;
}

static gboolean
watch_equal_files (gconstpointer a, gconstpointer b)
{
  return fs_facts_same_file (a, b);
}

FsWatch *
fs_watch_new (const FsWatchSettings *settings, const FsWatchReceiver *receiver)
{
  FsWatch *self = g_new0 (FsWatch, 1);

  self->settings = *settings;
  self->receiver = *receiver;
  fs_tree_init (&self->tree, settings->max_entries);
  self->by_file = g_hash_table_new (watch_hash_file, watch_equal_files);
  fs_watch_set_max_directories (self, settings->max_directories);
  self->fold = fs_fold_new ((gint64) settings->fold_ms * 1000, FOLD_MAX);
  watch_make_sentinel (self);
  self->check = g_timeout_add (settings->check_ms, watch_on_check, self);
  g_queue_init (&self->dirty);
  return self;
}

void
fs_watch_free (FsWatch *self)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  if (self == NULL)
    return;
  fs_watch_set_roots (self, none);
  fs_watch_abort_scans (self);
  g_clear_handle_id (&self->folding, g_source_remove);
  g_clear_handle_id (&self->check, g_source_remove);
  g_clear_handle_id (&self->changed, g_source_remove);
  fs_sentinel_free (self->sentinel);
  fs_fold_free (self->fold);
  g_hash_table_unref (self->by_file);
  fs_tree_clear (&self->tree);
  g_free (self);
}
