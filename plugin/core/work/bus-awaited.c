/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-awaited.h"

/* The tasks of one holder. */
typedef struct
{
  BusKey key; /* key of the id */
  char *id;   /* GRefString */
  GQueue tasks;
} AwaitedHolder;

static void
awaited_free_holder (gpointer holder)
{
  AwaitedHolder *self = holder;

  g_ref_string_release (self->id);
  g_free (self);
}

void
bus_awaited_init (BusAwaited *awaited, guint64 seed)
{
  awaited->seed = seed;
  awaited->by_holder = g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, awaited_free_holder);
}

void
bus_awaited_clear (BusAwaited *awaited)
{
  g_assert (g_hash_table_size (awaited->by_holder) == 0);
  g_clear_pointer (&awaited->by_holder, g_hash_table_unref);
}

static AwaitedHolder *
awaited_find_holder (const BusAwaited *awaited, WireSpan id)
{
  const BusKey key = bus_key (awaited->seed, id);

  return g_hash_table_lookup (awaited->by_holder, &key);
}

void
bus_awaited_add (BusAwaited *awaited, BusTask *task)
{
  AwaitedHolder *holder = awaited_find_holder (awaited, wire_span_str (task->holder));

  g_assert (!task->is_awaited);
  if (holder == NULL)
    {
      holder = g_new0 (AwaitedHolder, 1);
      holder->id = g_ref_string_acquire (task->holder);
      holder->key = bus_key (awaited->seed, wire_span_str (holder->id));
      g_hash_table_insert (awaited->by_holder, &holder->key, holder);
    }
  g_queue_push_tail_link (&holder->tasks, &task->awaited_link);
  task->is_awaited = TRUE;
}

void
bus_awaited_remove (BusAwaited *awaited, BusTask *task)
{
  AwaitedHolder *holder;

  if (!task->is_awaited)
    return;
  holder = awaited_find_holder (awaited, wire_span_str (task->holder));
  g_queue_unlink (&holder->tasks, &task->awaited_link);
  task->is_awaited = FALSE;
  task->claimed_by = 0;
  if (holder->tasks.length == 0)
    g_hash_table_remove (awaited->by_holder, &holder->key);
}

const GQueue *
bus_awaited_find (const BusAwaited *awaited, WireSpan holder)
{
  const AwaitedHolder *found = awaited_find_holder (awaited, holder);

  return found != NULL ? &found->tasks : NULL;
}
