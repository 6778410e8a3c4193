/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-ahead.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "wire-peek.h"

void
bus_ahead_init (BusAhead *ahead, BusPeer *peer)
{
  ahead->peer = peer;
  ahead->is_useful = peer->core->routes->n_subscriptions >= BUS_AHEAD_MIN_SUBSCRIPTIONS;
  ahead->is_on = ahead->is_useful && bus_subscriptions_size (&peer->subscriptions) >= BUS_AHEAD_MIN_OWN;
  ahead->first_serial = peer->recent_serial;
  ahead->rest = wire_span (NULL, 0);
  ahead->n = 0;
  ahead->current = &ahead->frames[0];
  bus_preread_forget (ahead->current);
}

/* @distance: 0 is the frame that is handled next */
static guint
ahead_place (const BusAhead *ahead, guint distance)
{
  return (ahead->n - BUS_AHEAD_CELL + distance) % BUS_AHEAD_FRAMES;
}

/* The steps are inline, because GCC removes calls of a function that does nothing but prefetch. */

G_ALWAYS_INLINE static inline void
ahead_take_frame (BusAhead *ahead)
{
  const BusCore *core = ahead->peer->core;
  BusPreread *frame = &ahead->frames[ahead_place (ahead, BUS_AHEAD_CELL)];
  WireSpan body;
  guint8 kind;

  ahead->n++;
  if (!wire_peek_next (&ahead->rest, &kind, &body))
    bus_preread_forget (frame);
  else if (!bus_preread_frame (frame, kind, body))
    return;
  else if (kind == WIRE_KIND_CREDIT)
    bus_subscriptions_prefetch (&ahead->peer->subscriptions, frame->credit.subscription);
  else
    {
      bus_table_prefetch (&core->routes->matches.table, bus_preread_hash (frame, core->seed));
      bus_table_prefetch (&core->routes->topics.table, frame->hash);
    }
}

static const BusMatch *
ahead_guess_match (const BusAhead *ahead, const BusPreread *frame)
{
  guint at;

  return bus_table_first (&ahead->peer->core->routes->matches.table, frame->hash, &at);
}

G_ALWAYS_INLINE static inline void
ahead_load_item (BusAhead *ahead, guint place)
{
  const BusPreread *frame = &ahead->frames[place];
  BusAheadItem item = { 0 };

  if (frame->is_hashed)
    {
      item.match = ahead_guess_match (ahead, frame);
      if (item.match != NULL)
        bus_match_prefetch (item.match);
    }
  else if (frame->body != NULL)
    {
      item.subscription = bus_subscriptions_guess (&ahead->peer->subscriptions, frame->credit.subscription);
      if (item.subscription != NULL)
        bus_subscription_prefetch (item.subscription);
    }
  ahead->items[place] = item;
}

/* Loads the receivers of the match, or the records of the subscription. */
G_ALWAYS_INLINE static inline void
ahead_load_behind (const BusAhead *ahead, guint place)
{
  const BusAheadItem item = ahead->items[place];

  if (item.match != NULL)
    bus_match_prefetch_receivers (item.match, &ahead->peer->core->routes->topics);
  else if (item.subscription != NULL)
    bus_unsettled_prefetch (item.subscription);
}

/* Loads the first record of the subscription, for credit. */
G_ALWAYS_INLINE static inline void
ahead_load_record (const BusAhead *ahead, guint place)
{
  const BusSubscription *subscription = ahead->items[place].subscription;

  if (subscription != NULL)
    bus_unsettled_prefetch_record (subscription);
}

/* Loads the records of the subscription of the match. A match that is not current may name a subscription that has ended. */
G_ALWAYS_INLINE static inline void
ahead_load_last (const BusAhead *ahead, guint place)
{
  const BusMatch *match = ahead->items[place].match;

  if (match != NULL && match->first != NULL && bus_match_is_current (&ahead->peer->core->routes->matches, match))
    bus_unsettled_prefetch (match->first);
}

/* Increases when a match or a subscription is freed. */
static guint64
ahead_changes (const BusAhead *ahead)
{
  const BusRoutes *routes = ahead->peer->core->routes;

  return routes->matches.generation + routes->n_freed;
}

/* Forgets all items if one of them may have been freed. */
G_ALWAYS_INLINE static inline void
ahead_check_items (BusAhead *ahead)
{
  const guint64 changes = ahead_changes (ahead);

  if (G_LIKELY (changes == ahead->changes))
    return;
  ahead->changes = changes;
  memset (ahead->items, 0, sizeof ahead->items);
}

/* Begins a read. No earlier frame gives time to load the memory of the first frames, so all these loads begin at once. */
static void
ahead_begin (BusAhead *ahead, WireSpan input)
{
  ahead->rest = input;
  ahead->n = 0;
  ahead->changes = ahead_changes (ahead);
  memset (ahead->items, 0, sizeof ahead->items);
  for (guint i = 0; i < BUS_AHEAD_FRAMES; i++)
    bus_preread_forget (&ahead->frames[i]);
  for (guint i = 1; i < BUS_AHEAD_CELL; i++)
    ahead_take_frame (ahead);
  for (guint i = 0; i < BUS_AHEAD_ITEM; i++)
    ahead_load_item (ahead, i);
  for (guint i = 0; i < BUS_AHEAD_BEHIND; i++)
    ahead_load_behind (ahead, i);
}

void
bus_ahead_load (BusAhead *ahead, WireSpan input)
{
  if (ahead->rest.data == NULL || ahead->rest.data < input.data)
    ahead_begin (ahead, input);
  ahead_check_items (ahead);
  ahead->current = &ahead->frames[ahead_place (ahead, 0)];
  ahead_take_frame (ahead);
  ahead_load_item (ahead, ahead_place (ahead, BUS_AHEAD_ITEM));
  ahead_load_behind (ahead, ahead_place (ahead, BUS_AHEAD_BEHIND));
  ahead_load_record (ahead, ahead_place (ahead, BUS_AHEAD_RECORD));
  ahead_load_last (ahead, ahead_place (ahead, BUS_AHEAD_LAST));
}
