/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-tree.h"

#include "fs-path.h"

#include <string.h>

void
fs_tree_init (FsTree *self, guint64 max_entries)
{
  *self = (FsTree){ g_hash_table_new (g_str_hash, g_str_equal), 0, max_entries };
}

void
fs_tree_clear (FsTree *self)
{
  g_clear_pointer (&self->roots, g_hash_table_unref);
}

/* --- directories --- */

static void
tree_free_entry (gpointer data)
{
  FsEntry *entry = data;

  g_free (entry->name);
  g_free (entry);
}

static FsDir *
tree_new_dir (FsDir *parent, const char *name, gboolean flat)
{
  FsDir *dir = g_new0 (FsDir, 1);

  *dir = (FsDir){ .parent = parent, .name = g_strdup (name), .flat = flat, .sentinel = -1 };
  dir->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, tree_free_entry);
  dir->dirty_link.data = dir;
  return dir;
}

FsDir *
fs_tree_add_root (FsTree *self, const char *path, gboolean flat)
{
  FsDir *dir = tree_new_dir (NULL, path, flat);

  g_hash_table_insert (self->roots, dir->name, dir);
  return dir;
}

FsDir *
fs_tree_add_dir (FsDir *parent, FsEntry *entry)
{
  entry->dir = tree_new_dir (parent, entry->name, FALSE);
  return entry->dir;
}

void
fs_tree_move_dir (FsDir *dir, FsEntry *from, FsDir *parent, FsEntry *to)
{
  from->dir = NULL;
  to->dir = dir;
  dir->parent = parent;
  g_free (dir->name);
  dir->name = g_strdup (to->name);
}

void
fs_tree_remove_dir (FsTree *self, FsDir *dir, FsEntry *entry)
{
  self->entries -= g_hash_table_size (dir->entries);
  if (entry != NULL)
    entry->dir = NULL;
  else
    g_hash_table_remove (self->roots, dir->name);
  g_hash_table_unref (dir->entries);
  g_free (dir->failure);
  g_free (dir->name);
  g_free (dir);
}

char *
fs_dir_path (const FsDir *dir)
{
  g_autoptr (GSList) below = NULL; /* names below the root, down to the name of @dir */
  char *path;

  for (; dir->parent != NULL; dir = dir->parent)
    below = g_slist_prepend (below, dir->name);
  path = g_strdup (dir->name);
  for (const GSList *at = below; at != NULL; at = at->next)
    {
      char *longer = fs_path_join (path, at->data);

      g_free (path);
      path = longer;
    }
  return path;
}

char *
fs_dir_path_of (const FsDir *dir, const char *name)
{
  g_autofree char *path = fs_dir_path (dir);

  return fs_path_join (path, name);
}

/* Does not recurse, because other programs decide the depth of directories. */
GPtrArray *
fs_dir_list (FsDir *dir)
{
  GPtrArray *dirs = g_ptr_array_new ();

  g_ptr_array_add (dirs, dir);
  for (guint i = 0; i < dirs->len; i++)
    {
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, ((FsDir *) dirs->pdata[i])->entries);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        if (((FsEntry *) value)->dir != NULL)
          g_ptr_array_add (dirs, ((FsEntry *) value)->dir);
    }
  return dirs;
}

/* --- look-up --- */

static FsDir *
tree_find_below (FsDir *root, const char *rest)
{
  g_auto (GStrv) names = g_strsplit (rest, "/", -1);
  FsDir *dir = root;

  for (guint i = 0; names[i] != NULL && dir != NULL; i++)
    {
      const FsEntry *entry = *names[i] != '\0' ? fs_dir_lookup (dir, names[i]) : NULL;

      if (*names[i] != '\0')
        dir = entry != NULL ? entry->dir : NULL;
    }
  return dir;
}

FsDir *
fs_tree_find (const FsTree *self, const char *path)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->roots);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      FsDir *root = value;
      FsDir *found = fs_path_is_below (path, root->name) ? tree_find_below (root, path + strlen (root->name)) : NULL;

      if (found != NULL)
        return found;
    }
  return NULL;
}

FsEntry *
fs_dir_lookup (const FsDir *dir, const char *name)
{
  return g_hash_table_lookup (dir->entries, name);
}

/* --- entries --- */

FsEntry *
fs_tree_put (FsTree *self, FsDir *dir, const char *name, const FsFacts *facts)
{
  FsEntry *entry = fs_dir_lookup (dir, name);

  if (entry == NULL && self->entries >= self->max_entries)
    return NULL;
  if (entry == NULL)
    {
      entry = g_new0 (FsEntry, 1);
      entry->name = g_strdup (name);
      g_hash_table_insert (dir->entries, entry->name, entry);
      self->entries++;
    }
  entry->facts = *facts;
  return entry;
}

void
fs_tree_remove (FsTree *self, FsDir *dir, FsEntry *entry)
{
  g_assert (entry->dir == NULL);
  self->entries--;
  g_hash_table_remove (dir->entries, entry->name);
}
