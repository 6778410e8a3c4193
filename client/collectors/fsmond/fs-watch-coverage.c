/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-watch-private.h"

static void
coverage_free_failure (gpointer data)
{
  FsFailure *failure = data;

  g_free (failure->path);
  g_free (failure->reason);
  g_free (failure);
}

/* (transfer full); NULL: the directory and all its entries are watched. */
static char *
coverage_reason (const FsDir *dir)
{
  if (dir->failure == NULL && dir->hidden > 0)
    return g_strdup_printf ("%u of its entries can't be examined (rights, or a file system that is mounted there)",
                            dir->hidden);
  return g_strdup (dir->failure);
}

static void
coverage_add (FsCoverage *coverage, const FsDir *dir)
{
  g_autofree char *reason = coverage_reason (dir);

  coverage->unknown_entries += dir->unknown;
  if (reason != NULL && coverage->failures->len < FS_FAILURES_MAX)
    {
      FsFailure *failure = g_new (FsFailure, 1);

      *failure = (FsFailure){ fs_dir_path (dir), g_steal_pointer (&reason) };
      g_ptr_array_add (coverage->failures, failure);
    }
}

static void
coverage_add_root (FsCoverage *coverage, FsDir *root)
{
  g_autoptr (GPtrArray) dirs = fs_dir_list (root);

  for (guint i = 0; i < dirs->len; i++)
    coverage_add (coverage, dirs->pdata[i]);
}

void
fs_watch_get_coverage (const FsWatch *self, FsCoverage *coverage)
{
  GHashTableIter iter;
  gpointer value;

  *coverage = (FsCoverage){ .wanted = self->wanted,
                            .watched = self->watched,
                            .limit = self->settings.max_directories,
                            .failures = g_ptr_array_new_with_free_func (coverage_free_failure),
                            .entries = self->tree.entries,
                            .overflows = self->overflows,
                            .unpublished = self->unpublished,
                            .is_repairing = self->is_repairing,
                            .detection_fault = self->detection_fault };
  g_hash_table_iter_init (&iter, self->tree.roots);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    coverage_add_root (coverage, value);
}

void
fs_coverage_clear (FsCoverage *coverage)
{
  g_clear_pointer (&coverage->failures, g_ptr_array_unref);
}
