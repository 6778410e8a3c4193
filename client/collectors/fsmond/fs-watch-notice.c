/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"

#include <string.h>

/* One notice of a monitor. Names are those of entries of the directory; NULL: the directory itself, or another place. */
typedef struct
{
  FsWatch *watch;
  FsDir *dir;
  const char *name;
  FsDir *other_dir; /* (nullable): a directory of the tree */
  const char *other_name;
} Notice;

/* Stores the facts of the file in the tree. */
static void
notice_put (FsWatch *self, FsDir *dir, const char *name, const FsFacts *facts)
{
  FsEntry *entry = fs_tree_put (&self->tree, dir, name, facts);

  if (entry == NULL)
    {
      dir->unknown++;
      fs_watch_touch (self);
      return;
    }
  if (facts->kind == FS_KIND_DIRECTORY && !dir->flat && entry->dir == NULL)
    fs_watch_add_dir (self, dir, entry, FALSE);
}

/* --- created, deleted --- */

/* TRUE: the creation must be reported, because no scan has reported it. If another file had this name in the tree, the function
 * reports the removal of that file first. FALSE also if the receiver refused that event. */
static gboolean
notice_is_unreported (const Notice *notice, const FsFacts *facts)
{
  FsEntry *entry = fs_dir_lookup (notice->dir, notice->name);

  if (entry == NULL)
    return TRUE;
  if (!fs_facts_same_file (&entry->facts, facts))
    return fs_watch_remove_entry (notice->watch, notice->dir, entry, TRUE, FALSE);
  if (!entry->found)
    return TRUE;
  entry->found = FALSE;
  return FALSE;
}

static void
notice_appeared (const Notice *notice, gboolean moved)
{
  g_autofree char *path = fs_dir_path_of (notice->dir, notice->name);
  FsEvent event = { .kind = FS_EVENT_CREATED, .path = path, .moved = moved };

  event.facts = fs_watch_examine (notice->dir, notice->name);
  if (!fs_watch_flush (notice->watch, notice->dir, notice->name) || !notice_is_unreported (notice, &event.facts)
      || !fs_watch_publish (notice->watch, notice->dir, &event))
    return;
  notice_put (notice->watch, notice->dir, notice->name, &event.facts);
}

/* If the file is not in the tree, a scan has already reported its removal, and no event is needed. If the directory has entries
 * beyond the limit, the file may be one of them, so the event is published. */
static void
notice_vanished (const Notice *notice, gboolean moved)
{
  FsEntry *entry = fs_dir_lookup (notice->dir, notice->name);
  g_autofree char *path = fs_dir_path_of (notice->dir, notice->name);
  const FsEvent event = { .kind = FS_EVENT_DELETED, .path = path, .moved = moved };

  if (entry != NULL)
    fs_watch_remove_entry (notice->watch, notice->dir, entry, FALSE, moved);
  else if (notice->dir->unknown > 0)
    fs_watch_publish (notice->watch, notice->dir, &event);
}

static void
notice_on_created (const Notice *notice)
{
  if (notice->name != NULL)
    notice_appeared (notice, FALSE);
}

/* A notice without a name is about the directory itself. The monitor of its parent reports the same; a root has no parent. */
static void
notice_on_deleted (const Notice *notice)
{
  if (notice->name != NULL)
    notice_vanished (notice, FALSE);
  else if (notice->dir->parent == NULL)
    fs_watch_check_root (notice->watch, notice->dir);
}

/* --- changed --- */

static void
notice_on_changed (const Notice *notice)
{
  if (notice->name != NULL)
    fs_watch_fold (notice->watch, notice->dir, notice->name);
}

/* The file was closed after writing. If no notice of change is held, and size and times are those of the last report, nothing was
 * written, and no event is published. */
static void
notice_on_done (const Notice *notice)
{
  g_autofree char *path = notice->name != NULL ? fs_dir_path_of (notice->dir, notice->name) : NULL;
  FsEvent event = { .kind = FS_EVENT_CHANGED, .path = path, .complete = TRUE };
  FsEntry *entry;

  if (notice->name == NULL)
    return;
  event.facts = fs_watch_examine (notice->dir, notice->name);
  event.folded = fs_fold_take (notice->watch->fold, path);
  entry = fs_dir_lookup (notice->dir, notice->name);
  if (event.folded == 0 && (entry == NULL || fs_facts_same_content (&entry->facts, &event.facts)))
    return;
  if (fs_watch_publish (notice->watch, notice->dir, &event) && entry != NULL
      && fs_facts_same_file (&entry->facts, &event.facts))
    entry->facts = event.facts;
}

/* Stores only the time of change. If the content has changed, too, another notice follows, and must still find the difference. */
static void
notice_on_attributes (const Notice *notice)
{
  g_autofree char *path = notice->name != NULL ? fs_dir_path_of (notice->dir, notice->name) : fs_dir_path (notice->dir);
  FsEvent event = { .kind = FS_EVENT_ATTRIBUTES, .path = path };
  FsEntry *entry = notice->name != NULL ? fs_dir_lookup (notice->dir, notice->name) : NULL;

  if (notice->name == NULL && notice->dir->parent != NULL)
    return;
  event.facts = fs_watch_examine (notice->dir, notice->name);
  if (entry != NULL && fs_facts_equal (&entry->facts, &event.facts))
    return;
  if (fs_watch_publish (notice->watch, notice->dir, &event) && entry != NULL
      && fs_facts_same_file (&entry->facts, &event.facts))
    entry->facts.changed_ns = event.facts.changed_ns;
}

/* --- moved --- */

typedef struct
{
  FsWatch *watch;
  FsDir *from_dir;
  const char *from_name;
  FsDir *to_dir;
  const char *to_name;
} Move;

/* TRUE: the tree already contains the move. A move between two watched directories causes a notice in each of them, and only the
 * first one is reported. */
static gboolean
move_is_known (const Move *move, const FsFacts *facts)
{
  FsEntry *from = fs_dir_lookup (move->from_dir, move->from_name);
  const FsEntry *to = fs_dir_lookup (move->to_dir, move->to_name);

  if (to == NULL || !fs_facts_same_file (&to->facts, facts))
    return FALSE;
  if (from != NULL && fs_facts_same_file (&from->facts, facts))
    return FALSE;
  if (from != NULL && from->facts.kind == FS_KIND_UNKNOWN)
    fs_tree_remove (&move->watch->tree, move->from_dir, from);
  return TRUE;
}

/* Applies the move to the tree. A file that had the new name does not exist any more: the move has replaced it. */
static void
move_in_tree (const Move *move, const FsFacts *facts)
{
  FsWatch *self = move->watch;
  FsEntry *from = fs_dir_lookup (move->from_dir, move->from_name);
  FsEntry *to = fs_dir_lookup (move->to_dir, move->to_name);
  FsDir *dir = from != NULL ? from->dir : NULL;

  if (to != NULL && to->dir != NULL)
    fs_watch_drop_dir (self, to->dir, to);
  to = fs_tree_put (&self->tree, move->to_dir, move->to_name, facts);
  if (dir != NULL && to != NULL && !move->to_dir->flat)
    {
      fs_tree_move_dir (dir, from, move->to_dir, to);
      fs_watch_restart (self, dir);
    }
  else if (dir != NULL)
    fs_watch_drop_dir (self, dir, from);
  if (from != NULL)
    fs_tree_remove (&self->tree, move->from_dir, from);
  notice_put (self, move->to_dir, move->to_name, facts);
}

static void
notice_move (const Move *move)
{
  g_autofree char *path = fs_dir_path_of (move->from_dir, move->from_name);
  g_autofree char *moved_to = fs_dir_path_of (move->to_dir, move->to_name);
  FsEvent event = { .kind = FS_EVENT_MOVED, .path = path, .moved_to = moved_to };

  event.facts = fs_watch_examine (move->to_dir, move->to_name);
  if (move_is_known (move, &event.facts))
    return;
  if (fs_watch_flush (move->watch, move->from_dir, move->from_name)
      && fs_watch_flush (move->watch, move->to_dir, move->to_name)
      && fs_watch_publish (move->watch, move->from_dir, &event))
    move_in_tree (move, &event.facts);
  else
    fs_watch_mark (move->watch, move->to_dir);
}

static void
notice_on_renamed (const Notice *notice)
{
  if (notice->name != NULL && notice->other_dir != NULL)
    notice_move (&(const Move){ notice->watch, notice->dir, notice->name, notice->other_dir, notice->other_name });
}

static void
notice_on_moved_in (const Notice *notice)
{
  if (notice->name != NULL && notice->other_dir != NULL)
    notice_move (&(const Move){ notice->watch, notice->other_dir, notice->other_name, notice->dir, notice->name });
  else if (notice->name != NULL)
    notice_appeared (notice, TRUE);
}

static void
notice_on_moved_out (const Notice *notice)
{
  if (notice->name != NULL && notice->other_dir != NULL)
    notice_on_renamed (notice);
  else if (notice->name != NULL)
    notice_vanished (notice, TRUE);
  else
    notice_on_deleted (notice);
}

/* The monitor has ended. A scan of the parent finds out whether the path exists, and to which directory it leads. */
static void
notice_on_unmounted (const Notice *notice)
{
  g_autofree char *path = fs_dir_path (notice->dir);
  const FsEvent event = { .kind = FS_EVENT_UNMOUNTED, .path = path };

  fs_watch_publish (notice->watch, notice->dir, &event);
  if (notice->dir->parent != NULL)
    fs_watch_mark (notice->watch, notice->dir->parent);
  else
    fs_watch_check_root (notice->watch, notice->dir);
}

/* --- dispatch --- */

/* Moves @dir to the wanted directory of the file, and returns the name; NULL: there is none. */
static const char *
notice_locate (FsWatch *self, GFile *file, FsDir **dir)
{
  const char *path = file != NULL ? g_file_peek_path (file) : NULL;
  const char *slash = path != NULL ? strrchr (path, '/') : NULL;
  g_autofree char *parent = slash != NULL ? g_strndup (path, slash == path ? 1 : (gsize) (slash - path)) : NULL;

  *dir = parent != NULL ? fs_tree_find (&self->tree, parent) : NULL;
  return *dir != NULL ? slash + 1 : NULL;
}

void
fs_watch_on_notice (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent type, gpointer data)
{
  static void (*const handlers[]) (const Notice *notice) = {
    [G_FILE_MONITOR_EVENT_CHANGED] = notice_on_changed,
    [G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT] = notice_on_done,
    [G_FILE_MONITOR_EVENT_DELETED] = notice_on_deleted,
    [G_FILE_MONITOR_EVENT_CREATED] = notice_on_created,
    [G_FILE_MONITOR_EVENT_ATTRIBUTE_CHANGED] = notice_on_attributes,
    [G_FILE_MONITOR_EVENT_UNMOUNTED] = notice_on_unmounted,
    [G_FILE_MONITOR_EVENT_RENAMED] = notice_on_renamed,
    [G_FILE_MONITOR_EVENT_MOVED_IN] = notice_on_moved_in,
    [G_FILE_MONITOR_EVENT_MOVED_OUT] = notice_on_moved_out,
  };
  FsDir *dir = data;
  Notice notice = { .watch = dir->watch, .dir = dir };
  FsDir *of;

  notice.name = notice_locate (notice.watch, file, &of);
  if (of != dir)
    notice.name = NULL;
  notice.other_name = notice_locate (notice.watch, other, &notice.other_dir);
  if ((guint) type < G_N_ELEMENTS (handlers) && handlers[type] != NULL)
    handlers[type](&notice);
}
