/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-deadline.h"

static BusDeadline *
at (const BusDeadlineSet *set, guint i)
{
  return g_ptr_array_index (set->heap, i);
}

static void
put (BusDeadlineSet *set, guint i, BusDeadline *deadline)
{
  g_ptr_array_index (set->heap, i) = deadline;
  deadline->place = i + 1;
}

static void
sift_up (BusDeadlineSet *set, guint i)
{
  BusDeadline *moving = at (set, i);

  while (i > 0)
    {
      guint parent = (i - 1) / 2;

      if (at (set, parent)->due_us <= moving->due_us)
        break;
      put (set, i, at (set, parent));
      i = parent;
    }
  put (set, i, moving);
}

static void
sift_down (BusDeadlineSet *set, guint i)
{
  BusDeadline *moving = at (set, i);
  guint count = set->heap->len;

  for (guint child = 2 * i + 1; child < count; child = 2 * i + 1)
    {
      if (child + 1 < count && at (set, child + 1)->due_us < at (set, child)->due_us)
        child++;
      if (moving->due_us <= at (set, child)->due_us)
        break;
      put (set, i, at (set, child));
      i = child;
    }
  put (set, i, moving);
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
  sift_up (set, set->heap->len - 1);
}

void
bus_deadline_disarm (BusDeadlineSet *set, BusDeadline *deadline)
{
  guint i, last;

  if (!bus_deadline_is_armed (deadline))
    return;

  i = deadline->place - 1;
  last = set->heap->len - 1;
  g_assert (i <= last && at (set, i) == deadline);

  put (set, i, at (set, last));
  g_ptr_array_set_size (set->heap, (gint) last);
  deadline->place = 0;

  if (i < last)
    {
      /* The last one came from another branch: it may belong above or below. */
      sift_up (set, i);
      sift_down (set, i);
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
  return set->heap->len > 0 ? at (set, 0)->due_us : G_MAXINT64;
}

BusDeadline *
bus_deadline_set_pop_due (BusDeadlineSet *set, gint64 now_us)
{
  BusDeadline *first;

  if (bus_deadline_set_next_us (set) > now_us)
    return NULL;

  first = at (set, 0);
  bus_deadline_disarm (set, first);
  return first;
}
