/* SPDX-License-Identifier: Apache-2.0 */
#include "fs-fold.h"

typedef struct
{
  char *path;
  gint64 due_us;
  guint count;
  GList link; /* in FsFold.order */
} FoldHeld;

struct FsFold
{
  gint64 hold_us;
  guint max;
  GHashTable *held; /* path of a FoldHeld: FoldHeld */
  GQueue order;     /* sorted by due_us, because all files are held for the same time */
};

static void
fold_free_held (gpointer data)
{
  FoldHeld *held = data;

  g_free (held->path);
  g_free (held);
}

FsFold *
fs_fold_new (gint64 hold_us, guint max)
{
  FsFold *self = g_new0 (FsFold, 1);

  self->hold_us = hold_us;
  self->max = max;
  self->held = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, fold_free_held);
  g_queue_init (&self->order);
  return self;
}

void
fs_fold_free (FsFold *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->held);
  g_free (self);
}

void
fs_fold_add (FsFold *self, const char *path, gint64 now_us)
{
  FoldHeld *held = g_hash_table_lookup (self->held, path);

  if (held == NULL)
    {
      held = g_new0 (FoldHeld, 1);
      held->path = g_strdup (path);
      held->due_us = now_us + self->hold_us;
      held->link.data = held;
      g_hash_table_insert (self->held, held->path, held);
      g_queue_push_tail_link (&self->order, &held->link);
    }
  held->count++;
}

static guint
fold_remove (FsFold *self, FoldHeld *held)
{
  guint count = held->count;

  g_queue_unlink (&self->order, &held->link);
  g_hash_table_remove (self->held, held->path);
  return count;
}

guint
fs_fold_take (FsFold *self, const char *path)
{
  FoldHeld *held = g_hash_table_lookup (self->held, path);

  return held != NULL ? fold_remove (self, held) : 0;
}

char *
fs_fold_take_due (FsFold *self, gint64 now_us, guint *count)
{
  FoldHeld *first = g_queue_peek_head (&self->order);
  char *path;

  if (first == NULL || (first->due_us > now_us && self->order.length <= self->max))
    return NULL;
  path = g_strdup (first->path);
  *count = fold_remove (self, first);
  return path;
}

gint64
fs_fold_next_us (const FsFold *self)
{
  const FoldHeld *first = g_queue_peek_head ((GQueue *) &self->order);

  return first != NULL ? first->due_us : -1;
}
