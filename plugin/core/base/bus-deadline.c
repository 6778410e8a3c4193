/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-deadline.h"

#include "wire-hot.h"

#define SPARSE_MIN   16u
#define SPARSE_SHARE 8u

static BusDeadlineCell *
deadline_heap_at (const BusDeadlineSet *set, guint i)
{
  return &g_array_index (set->heap, BusDeadlineCell, i);
}

static void
deadline_heap_put (BusDeadlineSet *set, guint i, BusDeadlineCell cell)
{
  *deadline_heap_at (set, i) = cell;
  if (cell.deadline != NULL)
    cell.deadline->place = i + 1;
}

static void
deadline_heap_sift_up (BusDeadlineSet *set, guint i)
{
  const BusDeadlineCell moving = *deadline_heap_at (set, i);

  while (i > 0)
    {
      guint parent = (i - 1) / 2;

      if (deadline_heap_at (set, parent)->due_us <= moving.due_us)
        break;
      deadline_heap_put (set, i, *deadline_heap_at (set, parent));
      i = parent;
    }
  deadline_heap_put (set, i, moving);
}

/* Writes nothing if the cell stays: its owner contains its place already. */
static void
deadline_heap_sift_down (BusDeadlineSet *set, guint i)
{
  const BusDeadlineCell moving = *deadline_heap_at (set, i);
  const guint start = i;
  guint count = set->heap->len;

  for (guint child = 2 * i + 1; child < count; child = 2 * i + 1)
    {
      if (child + 1 < count && deadline_heap_at (set, child + 1)->due_us < deadline_heap_at (set, child)->due_us)
        child++;
      if (moving.due_us <= deadline_heap_at (set, child)->due_us)
        break;
      deadline_heap_put (set, i, *deadline_heap_at (set, child));
      i = child;
    }
  if (i != start)
    deadline_heap_put (set, i, moving);
}

/* --- cells of deadlines that were disarmed --- */

static void
deadline_heap_drop_first (BusDeadlineSet *set)
{
  const guint last = set->heap->len - 1;

  g_assert (deadline_heap_at (set, 0)->deadline == NULL && set->n_empty > 0);
  set->n_empty--;
  deadline_heap_put (set, 0, *deadline_heap_at (set, last));
  g_array_set_size (set->heap, last);
  if (last > 0)
    deadline_heap_sift_down (set, 0);
}

/* Returns the number of the first @n cells without the empty ones at their end. */
static guint
deadline_heap_skip_empty (const BusDeadlineSet *set, guint n)
{
  while (n > 0 && deadline_heap_at (set, n - 1)->deadline == NULL)
    n--;
  return n;
}

/* Removes all empty cells. The last cells move into them, and the others stay: their owners are not accessed, because most of them
 * are not in the cache. */
static void
deadline_heap_compact (BusDeadlineSet *set)
{
  guint n = deadline_heap_skip_empty (set, set->heap->len);

  for (guint i = 0; i < n; i++)
    if (deadline_heap_at (set, i)->deadline == NULL)
      {
        deadline_heap_put (set, i, *deadline_heap_at (set, n - 1));
        n = deadline_heap_skip_empty (set, n - 1);
      }
  g_array_set_size (set->heap, n);
  set->n_empty = 0;
  for (guint i = n / 2; i-- > 0;)
    deadline_heap_sift_down (set, i);
}

/* TRUE if so many cells are empty that rebuilding the heap costs less than removing each of them. */
static gboolean
deadline_heap_is_sparse (const BusDeadlineSet *set)
{
  return set->n_empty > SPARSE_MIN && set->n_empty > set->heap->len / SPARSE_SHARE;
}

/* Removes empty cells until the first cell is not empty. */
WIRE_HOT static void
deadline_heap_tidy (BusDeadlineSet *set)
{
  if (set->heap->len == 0 || deadline_heap_at (set, 0)->deadline != NULL)
    return;
  if (deadline_heap_is_sparse (set))
    deadline_heap_compact (set);
  while (set->heap->len > 0 && deadline_heap_at (set, 0)->deadline == NULL)
    deadline_heap_drop_first (set);
}

/* --- the set --- */

void
bus_deadline_set_init (BusDeadlineSet *set)
{
  set->heap = g_array_new (FALSE, FALSE, sizeof (BusDeadlineCell));
  set->n_empty = 0;
}

void
bus_deadline_set_clear (BusDeadlineSet *set)
{
  g_assert (set->heap->len == set->n_empty);
  g_clear_pointer (&set->heap, g_array_unref);
}

void
bus_deadline_arm (BusDeadlineSet *set, BusDeadline *deadline, gint64 due_us)
{
  const BusDeadlineCell cell = { due_us, deadline };

  bus_deadline_disarm (set, deadline);
  if (set->n_empty > SPARSE_MIN + set->heap->len / 2)
    deadline_heap_compact (set);
  deadline->due_us = due_us;
  g_array_append_val (set->heap, cell);
  deadline_heap_sift_up (set, set->heap->len - 1);
}

WIRE_HOT void
bus_deadline_disarm (BusDeadlineSet *set, BusDeadline *deadline)
{
  BusDeadlineCell *cell;

  if (!bus_deadline_is_armed (deadline))
    return;
  g_assert (deadline->place <= set->heap->len);
  cell = deadline_heap_at (set, deadline->place - 1);
  g_assert (cell->deadline == deadline);
  cell->deadline = NULL;
  set->n_empty++;
  deadline->place = 0;
}

gboolean
bus_deadline_is_armed (const BusDeadline *deadline)
{
  return deadline->place != 0;
}

gint64
bus_deadline_set_next_us (BusDeadlineSet *set)
{
  deadline_heap_tidy (set);
  return set->heap->len > 0 ? deadline_heap_at (set, 0)->due_us : G_MAXINT64;
}

BusDeadline *
bus_deadline_set_pop_due (BusDeadlineSet *set, gint64 now_us)
{
  BusDeadline *first;

  if (bus_deadline_set_next_us (set) > now_us)
    return NULL;

  first = deadline_heap_at (set, 0)->deadline;
  bus_deadline_disarm (set, first);
  return first;
}
