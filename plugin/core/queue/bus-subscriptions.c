/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscriptions.h"

#define CELLS_MIN 4u

/* The cell that contains the number, or the empty cell into which it would be put. */
static guint
subscriptions_seek (const BusSubscriptions *set, guint32 id)
{
  guint at = bus_subscriptions_home (set, id);

  while (set->cells[at] != NULL && set->cells[at]->id != id)
    at = (at + 1) & (set->n_cells - 1);
  return at;
}

static void
subscriptions_resize (BusSubscriptions *set, guint n_cells)
{
  g_autofree BusSubscription **old = set->cells;
  guint n_old = set->n_cells;

  set->cells = n_cells > 0 ? g_new0 (BusSubscription *, n_cells) : NULL;
  set->n_cells = n_cells;
  for (guint i = 0; i < n_old; i++)
    if (old[i] != NULL)
      set->cells[subscriptions_seek (set, old[i]->id)] = old[i];
}

void
bus_subscriptions_clear (BusSubscriptions *set)
{
  g_assert (set->n == 0);
  g_clear_pointer (&set->cells, g_free);
  set->n_cells = 0;
}

void
bus_subscriptions_add (BusSubscriptions *set, BusSubscription *subscription)
{
  guint at;

  if ((set->n + 1) * 4 > set->n_cells * 3)
    subscriptions_resize (set, MAX (set->n_cells * 2, CELLS_MIN));
  at = subscriptions_seek (set, subscription->id);
  g_assert (set->cells[at] == NULL);
  set->cells[at] = subscription;
  set->n++;
}

/* Fills the cell that became empty: moves subscriptions of later cells into it, until no empty cell is between a subscription and
 * the cell that the hash of its number points to. */
static void
subscriptions_close_hole (BusSubscriptions *set, guint hole)
{
  const guint mask = set->n_cells - 1;

  for (guint at = (hole + 1) & mask; set->cells[at] != NULL; at = (at + 1) & mask)
    {
      guint home = bus_subscriptions_home (set, set->cells[at]->id);

      if (((at - home) & mask) < ((at - hole) & mask))
        continue;
      set->cells[hole] = set->cells[at];
      hole = at;
    }
  set->cells[hole] = NULL;
}

void
bus_subscriptions_remove (BusSubscriptions *set, const BusSubscription *subscription)
{
  guint at;

  g_assert (set->n > 0);
  at = subscriptions_seek (set, subscription->id);
  g_assert (set->cells[at] == subscription);
  subscriptions_close_hole (set, at);
  set->n--;
  if (set->n == 0)
    subscriptions_resize (set, 0);
  else if (set->n_cells > CELLS_MIN && set->n < set->n_cells / 8)
    subscriptions_resize (set, set->n_cells / 2);
}

BusSubscription *
bus_subscriptions_find (const BusSubscriptions *set, guint32 id)
{
  return set->n > 0 ? set->cells[subscriptions_seek (set, id)] : NULL;
}

static int
subscriptions_compare (gconstpointer a, gconstpointer b)
{
  const BusSubscription *first = *(BusSubscription *const *) a;
  const BusSubscription *second = *(BusSubscription *const *) b;

  return (first->id > second->id) - (first->id < second->id);
}

GPtrArray *
bus_subscriptions_sorted (const BusSubscriptions *set)
{
  GPtrArray *sorted = g_ptr_array_sized_new (set->n);
  BusSubscription *subscription;
  guint at = 0;

  while ((subscription = bus_subscriptions_next (set, &at)) != NULL)
    g_ptr_array_add (sorted, subscription);
  g_ptr_array_sort (sorted, subscriptions_compare);
  return sorted;
}
