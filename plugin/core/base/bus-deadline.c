/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-deadline.h"

static BusDeadline *
deadline_heap_at (const BusDeadlineSet *set, guint i)
{
  return g_ptr_array_index (set->heap, i);
}

static void
deadline_heap_put (BusDeadlineSet *set, guint i, BusDeadline *deadline)
{
  g_ptr_array_index (set->heap, i) = deadline;
  deadline->place = i + 1;
}

static void
deadline_heap_sift_up (BusDeadlineSet *set, guint i)
{
  BusDeadline *moving = deadline_heap_at (set, i);

  while (i > 0)
    {
      guint parent = (i - 1) / 2;

      if (deadline_heap_at (set, parent)->due_us <= moving->due_us)
        break;
      deadline_heap_put (set, i, deadline_heap_at (set, parent));
      i = parent;
    }
  deadline_heap_put (set, i, moving);
}

static void
deadline_heap_sift_down (BusDeadlineSet *set, guint i)
{
  BusDeadline *moving = deadline_heap_at (set, i);
  guint count = set->heap->len;

  for (guint child = 2 * i + 1; child < count; child = 2 * i + 1)
    {
      if (child + 1 < count && deadline_heap_at (set, child + 1)->due_us < deadline_heap_at (set, child)->due_us)
        child++;
      if (moving->due_us <= deadline_heap_at (set, child)->due_us)
        break;
      deadline_heap_put (set, i, deadline_heap_at (set, child));
      i = child;
    }
  deadline_heap_put (set, i, moving);
}

void
bus_deadline_set_init (BusDeadlineSet *set)
{
  set->heap = g_ptr_array_new ();
}

void
bus_deadline_set_clear (BusDeadlineSet *set)
{
  g_assert (set->heap->len == 0);
  g_clear_pointer (&set->heap, g_ptr_array_unref);
}

void
bus_deadline_arm (BusDeadlineSet *set, BusDeadline *deadline, gint64 due_us)
{
  bus_deadline_disarm (set, deadline);
  deadline->due_us = due_us;
  g_ptr_array_add (set->heap, deadline);
  deadline_heap_sift_up (set, set->heap->len - 1);
}

void
bus_deadline_disarm (BusDeadlineSet *set, BusDeadline *deadline)
{
  guint i, last;

  if (!bus_deadline_is_armed (deadline))
    return;

  i = deadline->place - 1;
  last = set->heap->len - 1;
  g_assert (i <= last && deadline_heap_at (set, i) == deadline);

  deadline_heap_put (set, i, deadline_heap_at (set, last));
  g_ptr_array_set_size (set->heap, (gint) last);
  deadline->place = 0;

  if (i < last)
    {
      /* The last one came from another branch: it may belong above or below. */
      deadline_heap_sift_up (set, i);
      deadline_heap_sift_down (set, i);
    }
}

gboolean
bus_deadline_is_armed (const BusDeadline *deadline)
{
  return deadline->place != 0;
}

gint64
bus_deadline_set_next_us (const BusDeadlineSet *set)
{
  return set->heap->len > 0 ? deadline_heap_at (set, 0)->due_us : G_MAXINT64;
}

BusDeadline *
bus_deadline_set_pop_due (BusDeadlineSet *set, gint64 now_us)
{
  BusDeadline *first;

  if (bus_deadline_set_next_us (set) > now_us)
    return NULL;

  first = deadline_heap_at (set, 0);
  bus_deadline_disarm (set, first);
  return first;
}
