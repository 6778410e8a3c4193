/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-retain-order.h"

#define ORDER_MIN 8u /* places of the smallest array */

void
bus_retain_order_init (BusRetainOrder *order)
{
  *order = (BusRetainOrder){ .moves = 1 };
}

void
bus_retain_order_clear (BusRetainOrder *order)
{
  g_free (order->places);
  bus_retain_order_init (order);
}

guint
bus_retain_order_after (const BusRetainOrder *order, guint64 accept_seq)
{
  guint low = order->first, high = order->end;

  while (low < high)
    {
      const guint middle = low + (high - low) / 2;

      if (order->places[middle].accept_seq > accept_seq)
        high = middle;
      else
        low = middle + 1;
    }
  return low;
}

/* Moves the values to a new array without empty places. */
static void
order_move (BusRetainOrder *order, guint capacity)
{
  BusRetainPlace *places = g_new (BusRetainPlace, capacity);
  guint n = 0;

  for (guint i = order->first; i < order->end; i++)
    if (order->places[i].value != NULL)
      places[n++] = order->places[i];
  g_free (order->places);
  order->places = places;
  order->capacity = capacity;
  order->first = 0;
  order->end = n;
  order->moves++;
}

/* The array is full. It grows if few of its places are empty. */
static void
order_make_room (BusRetainOrder *order)
{
  const guint capacity = MAX (order->capacity, ORDER_MIN);

  order_move (order, order->n > capacity / 4 * 3 ? capacity * 2 : capacity);
}

/* Moves the places from @at to the end by one. */
static void
order_shift (BusRetainOrder *order, guint at)
{
  memmove (&order->places[at + 1], &order->places[at], (order->end - at) * sizeof (BusRetainPlace));
  order->moves++;
}

void
bus_retain_order_add (BusRetainOrder *order, BusRetainPlace place)
{
  guint at;

  if (order->end == order->capacity)
    order_make_room (order);
  at = bus_retain_order_after (order, place.accept_seq);
  if (at < order->end)
    order_shift (order, at);
  order->places[at] = place;
  order->end++;
  order->n++;
}

static gboolean
order_is_empty_at (const BusRetainOrder *order, guint at)
{
  return order->places[at].value == NULL;
}

/* Takes empty places at both ends out of use. The next value gets the number of a place that was at the end. */
static void
order_trim (BusRetainOrder *order)
{
  const guint end = order->end;

  while (order->first < order->end && order_is_empty_at (order, order->first))
    order->first++;
  while (order->first < order->end && order_is_empty_at (order, order->end - 1))
    order->end--;
  if (order->end != end)
    order->moves++;
}

void
bus_retain_order_remove (BusRetainOrder *order, guint64 accept_seq)
{
  BusRetainPlace *place = &order->places[bus_retain_order_after (order, accept_seq) - 1];

  g_assert (place->accept_seq == accept_seq && place->value != NULL);
  place->value = NULL;
  place->message = NULL;
  order->n--;
  order_trim (order);
  if (order->capacity > ORDER_MIN && order->n < order->capacity / 4)
    order_move (order, MAX (order->n * 2, ORDER_MIN));
}
