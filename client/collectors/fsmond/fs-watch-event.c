/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"

/* --- publishing --- */

static gboolean
watch_offer (FsWatch *self, const FsEvent *event)
{
  return self->receiver.event (event, self->receiver.data);
}

gboolean
fs_watch_publish_lost (FsWatch *self)
{
  const FsEvent lost = { .kind = FS_EVENT_LOST, .detail = self->lost };

  if (self->lost == NULL)
    return TRUE;
  if (!watch_offer (self, &lost))
    return FALSE;
  self->lost = NULL;
  return TRUE;
}

void
fs_watch_lose (FsWatch *self, const char *reason)
{
  self->lost = reason;
  self->is_repairing = TRUE;
  fs_watch_touch (self);
}

gboolean
fs_watch_publish (FsWatch *self, FsDir *dir, const FsEvent *event)
{
  if (fs_watch_publish_lost (self) && watch_offer (self, event))
    return TRUE;
  self->unpublished++;
  if (!self->is_repairing)
    fs_watch_lose (self, "events did not fit into the queue of fsmond");
  fs_watch_mark (self, dir);
  fs_watch_touch (self);
  return FALSE;
}

static gboolean
watch_on_changed (gpointer data)
{
  FsWatch *self = data;

  self->changed = 0;
  self->receiver.changed (self->receiver.data);
  return G_SOURCE_REMOVE;
}

void
fs_watch_touch (FsWatch *self)
{
  if (self->changed == 0)
    self->changed = g_idle_add_full (G_PRIORITY_DEFAULT, watch_on_changed, self, NULL);
}

/* --- notices of change --- */

/* @facts: the present facts of the file. They are stored in the tree only if the event is accepted. */
static gboolean
watch_publish_change (FsWatch *self, FsDir *dir, const char *name, const FsFacts *facts, guint folded)
{
  g_autofree char *path = fs_dir_path_of (dir, name);
  const FsEvent event = { .kind = FS_EVENT_CHANGED, .path = path, .facts = *facts, .folded = folded };
  FsEntry *entry = fs_dir_lookup (dir, name);

  if (!fs_watch_publish (self, dir, &event))
    return FALSE;
  if (entry != NULL && fs_facts_same_file (&entry->facts, facts))
    entry->facts = *facts;
  return TRUE;
}

FsFacts
fs_watch_examine (const FsDir *dir, const char *name)
{
  g_autofree char *path = fs_dir_path (dir);
  FsFacts facts = { 0 };
  int fd;

  if (fs_open_directory (path, &fd) != FS_OPEN_DONE)
    return facts;
  if (name != NULL)
    fs_facts_at (fd, name, &facts);
  else
    fs_facts_of (fd, &facts);
  fs_close (fd);
  return facts;
}

/* The name may belong to no file or to another file by now, so the event contains the facts that were reported last. */
gboolean
fs_watch_flush (FsWatch *self, FsDir *dir, const char *name)
{
  g_autofree char *path = fs_dir_path_of (dir, name);
  guint folded = fs_fold_take (self->fold, path);
  const FsEntry *entry = fs_dir_lookup (dir, name);
  const FsFacts facts = entry != NULL ? entry->facts : (FsFacts){ 0 };

  return folded == 0 || watch_publish_change (self, dir, name, &facts, folded);
}

static void watch_schedule_folding (FsWatch *self);

static void
watch_publish_folded (FsWatch *self, const char *path, guint folded)
{
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  FsDir *dir = fs_tree_find (&self->tree, parent);
  FsFacts facts;

  if (dir == NULL)
    return;
  facts = fs_watch_examine (dir, name);
  watch_publish_change (self, dir, name, &facts, folded);
}

static gboolean
watch_on_folding (gpointer data)
{
  FsWatch *self = data;
  guint folded;
  char *path;

  self->folding = 0;
  while ((path = fs_fold_take_due (self->fold, g_get_monotonic_time (), &folded)) != NULL)
    {
      watch_publish_folded (self, path, folded);
      g_free (path);
    }
  watch_schedule_folding (self);
  return G_SOURCE_REMOVE;
}

static void
watch_schedule_folding (FsWatch *self)
{
  gint64 next_us = fs_fold_next_us (self->fold);
  gint64 wait_us = MAX (next_us - g_get_monotonic_time (), 0);

  if (next_us >= 0 && self->folding == 0)
    self->folding = g_timeout_add ((guint) (wait_us / 1000 + 1), watch_on_folding, self);
}

void
fs_watch_fold (FsWatch *self, FsDir *dir, const char *name)
{
  g_autofree char *path = fs_dir_path_of (dir, name);

  fs_fold_add (self->fold, path, g_get_monotonic_time ());
  watch_schedule_folding (self);
}

/* --- removing --- */

/* Publishes the removal of one entry. If it is a directory, the caller has removed its contents, or they were moved with it. */
static gboolean
watch_remove_one (FsWatch *self, FsDir *dir, FsEntry *entry, gboolean found, gboolean moved)
{
  g_autofree char *path = fs_dir_path_of (dir, entry->name);
  const FsEvent event
      = { .kind = FS_EVENT_DELETED, .path = path, .facts = entry->facts, .found = found, .moved = moved };

  if (!fs_watch_flush (self, dir, entry->name) || !fs_watch_publish (self, dir, &event))
    return FALSE;
  if (entry->dir != NULL)
    fs_watch_drop_dir (self, entry->dir, entry);
  fs_tree_remove (&self->tree, dir, entry);
  return TRUE;
}

static gboolean
watch_remove_entries (FsWatch *self, FsDir *dir)
{
  g_autoptr (GList) entries = g_hash_table_get_values (dir->entries);

  for (GList *at = entries; at != NULL; at = at->next)
    if (!watch_remove_one (self, dir, at->data, TRUE, FALSE))
      return FALSE;
  return TRUE;
}

/* Removes the deepest entries first. FALSE: the receiver refused an event; all directories from that entry up to @dir will be
 * scanned. */
static gboolean
watch_remove_contents (FsWatch *self, FsDir *dir)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (dir);

  for (guint i = dirs->len; i > 0; i--)
    if (!watch_remove_entries (self, dirs->pdata[i - 1]))
      {
        for (FsDir *above = dirs->pdata[i - 1]; above != dir; above = above->parent)
          fs_watch_mark (self, above->parent);
        return FALSE;
      }
  return TRUE;
}

/* The contents of a directory that was moved out are not reported one by one. */
gboolean
fs_watch_remove_entry (FsWatch *self, FsDir *dir, FsEntry *entry, gboolean found, gboolean moved)
{
  if (!fs_watch_flush (self, dir, entry->name))
    return FALSE;
  if (entry->dir != NULL && !moved && !watch_remove_contents (self, entry->dir))
    {
      fs_watch_mark (self, dir);
      return FALSE;
    }
  return watch_remove_one (self, dir, entry, found, moved);
}
