/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"

/* Entries that are compared in one iteration of the main loop. */
#define SCAN_PIECE 128u

/* Time until an event is offered again to a receiver that refused one. */
#define REFUSED_MS 100u

static gboolean scan_on_step (gpointer data);

static void
scan_schedule (FsWatch *self, gboolean refused)
{
  if (self->scan == 0)
    self->scan = refused ? g_timeout_add (REFUSED_MS, scan_on_step, self) : g_idle_add (scan_on_step, self);
}

/* Marks the directory for a scan. If a scan of it already runs, another one follows, because the running scan may have passed the
 * entry that has changed. */
void
fs_watch_mark (FsWatch *self, FsDir *dir)
{
  if (!dir->dirty)
    g_queue_push_tail_link (&self->dirty, &dir->dirty_link);
  dir->dirty = TRUE;
  scan_schedule (self, FALSE);
}

static void
scan_mark_below (FsWatch *self, FsDir *root)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (root);

  for (guint i = 0; i < dirs->len; i++)
    fs_watch_mark (self, dirs->pdata[i]);
}

void
fs_watch_mark_all (FsWatch *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->tree.roots);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    scan_mark_below (self, value);
  scan_schedule (self, FALSE);
}

static void
scan_close (FsWatch *self)
{
  g_clear_pointer (&self->list, fs_list_free);
  self->scanned = NULL;
}

void
fs_watch_unmark (FsWatch *self, FsDir *dir)
{
  if (dir->dirty)
    g_queue_unlink (&self->dirty, &dir->dirty_link);
  dir->dirty = FALSE;
  if (self->scanned == dir)
    scan_close (self);
}

void
fs_watch_abort_scans (FsWatch *self)
{
  g_clear_handle_id (&self->scan, g_source_remove);
  scan_close (self);
}

/* --- one entry --- */

/* FALSE: the event was refused. */
static gboolean
scan_found_new (FsWatch *self, FsDir *dir, const char *name, const FsFacts *facts)
{
  g_autofree char *path = fs_dir_path_of (dir, name);
  const FsEvent event = { .kind = FS_EVENT_CREATED, .path = path, .facts = *facts, .found = TRUE };
  FsEntry *entry;

  if (self->tree.entries >= self->tree.max_entries)
    {
      dir->unknown++;
      return TRUE;
    }
  if (!dir->quiet && !fs_watch_publish (self, dir, &event))
    return FALSE;
  entry = fs_tree_put (&self->tree, dir, name, facts);
  entry->pass = self->pass;
  entry->found = !dir->quiet;
  if (facts->kind == FS_KIND_DIRECTORY && !dir->flat)
    fs_watch_add_dir (self, dir, entry, dir->quiet);
  return TRUE;
}

/* The kind of change of a known file; 0: none. The size and times of a directory change with its contents, which have events. */
static FsEventKind
scan_difference (const FsFacts *before, const FsFacts *after)
{
  if (!fs_facts_same_content (before, after))
    return after->kind != FS_KIND_DIRECTORY ? FS_EVENT_CHANGED : 0;
  return before->changed_ns != after->changed_ns ? FS_EVENT_ATTRIBUTES : 0;
}

static gboolean
scan_compare (FsWatch *self, FsDir *dir, FsEntry *entry, const FsFacts *facts)
{
  FsEvent event = { .kind = scan_difference (&entry->facts, facts), .facts = *facts, .found = TRUE };
  g_autofree char *path = NULL;

  if (event.kind != 0)
    {
      event.path = path = fs_dir_path_of (dir, entry->name);
      if (!fs_watch_publish (self, dir, &event))
        return FALSE;
    }
  entry->facts = *facts;
  return TRUE;
}

/* FALSE: the event was refused. */
static gboolean
scan_check_entry (FsWatch *self, FsDir *dir, const char *name, const FsFacts *facts)
{
  FsEntry *entry = fs_dir_lookup (dir, name);

  if (facts->kind == FS_KIND_UNKNOWN)
    return TRUE; /* removed after it was listed; the sweep detects this */
  if (entry != NULL)
    entry->pass = self->pass;
  if (entry != NULL && fs_facts_same_file (&entry->facts, facts))
    return scan_compare (self, dir, entry, facts);
  if (entry != NULL && !fs_watch_remove_entry (self, dir, entry, TRUE, FALSE))
    return FALSE;
  return scan_found_new (self, dir, name, facts);
}

/* --- one directory --- */

/* An entry that can't be examined still exists: its removal is not reported. */
static void
scan_keep_hidden (FsWatch *self, FsDir *dir, const char *name)
{
  FsEntry *entry = fs_dir_lookup (dir, name);

  if (entry != NULL)
    entry->pass = self->pass;
  dir->hidden++;
}

/* Removes entries that the scan did not find. FALSE: an event was refused. */
static gboolean
scan_sweep (FsWatch *self, FsDir *dir)
{
  g_autoptr (GList) entries = g_hash_table_get_values (dir->entries);

  for (GList *at = entries; at != NULL; at = at->next)
    if (((FsEntry *) at->data)->pass != self->pass && !fs_watch_remove_entry (self, dir, at->data, TRUE, FALSE))
      return FALSE;
  dir->quiet = FALSE;
  return TRUE;
}

/* The path does not lead to this directory any more. A scan of the parent finds the change and reports it. A root has no parent,
 * so its path is checked. */
static void
scan_give_up (FsWatch *self, FsDir *dir)
{
  if (dir->parent != NULL)
    fs_watch_mark (self, dir->parent);
  else
    fs_watch_check_root (self, dir);
}

static void
scan_open (FsWatch *self, FsDir *dir)
{
  g_autofree char *path = fs_dir_path (dir);
  FsFacts facts;
  int fd;

  dir->dirty = FALSE;
  if (fs_open_directory (path, &fd) != FS_OPEN_DONE)
    {
      if (dir->failure == NULL)
        scan_give_up (self, dir);
      return;
    }
  if (!fs_facts_of (fd, &facts) || !fs_facts_same_file (&facts, &dir->facts))
    {
      fs_close (fd);
      scan_give_up (self, dir);
      return;
    }
  self->list = fs_list_new (fd);
  self->scanned = self->list != NULL ? dir : NULL;
  dir->unknown = 0;
  dir->hidden = self->list != NULL ? 0 : 1;
  self->pass++;
}

/* FALSE: an event was refused, or the directory was removed; the scan has ended. */
static gboolean
scan_piece (FsWatch *self, FsDir *dir)
{
  for (guint i = 0; i < SCAN_PIECE; i++)
    {
      const char *name;
      FsFacts facts;
      FsListResult result = fs_list_next (self->list, &name, &facts);

      if (result == FS_LIST_END && !scan_sweep (self, dir))
        return FALSE;
      if (result == FS_LIST_END || result == FS_LIST_FAILED)
        {
          dir->hidden += result == FS_LIST_FAILED ? 1 : 0;
          if (dir->hidden == 0)
            dir->hidden_checks = dir->hidden_left = 0;
          scan_close (self);
          return TRUE;
        }
      if (result == FS_LIST_HIDDEN)
        scan_keep_hidden (self, dir, name);
      else if (!scan_check_entry (self, dir, name, &facts))
        return FALSE;
    }
  return TRUE;
}

/* --- all of them --- */

/* FALSE: an event was refused. */
static gboolean
scan_finish (FsWatch *self)
{
  const FsEvent repaired = { .kind = FS_EVENT_REPAIRED };

  if (!self->is_repairing)
    return TRUE;
  if (!fs_watch_publish_lost (self) || !self->receiver.event (&repaired, self->receiver.data))
    return FALSE;
  self->is_repairing = FALSE;
  return TRUE;
}

/* FALSE: an event was refused. */
static gboolean
scan_step (FsWatch *self)
{
  FsDir *dir = self->scanned;

  if (!fs_watch_publish_lost (self))
    return FALSE;
  if (dir == NULL)
    {
      GList *link = g_queue_pop_head_link (&self->dirty);

      if (link == NULL)
        return scan_finish (self);
      scan_open (self, link->data);
      return TRUE;
    }
  if (scan_piece (self, dir))
    return TRUE;
  fs_watch_mark (self, dir);
  scan_close (self);
  return FALSE;
}

static gboolean
scan_on_step (gpointer data)
{
  FsWatch *self = data;
  gboolean refused = !scan_step (self);

  g_clear_handle_id (&self->scan, g_source_remove);
  if (refused || self->scanned != NULL || self->dirty.length > 0 || self->is_repairing)
    scan_schedule (self, refused);
  else
    fs_watch_touch (self);
  return G_SOURCE_REMOVE;
}
