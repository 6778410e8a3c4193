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
static BusPreread *
ahead_frame (BusAhead *ahead, guint distance)
{
  return &ahead->frames[(ahead->n - BUS_AHEAD_CELL + distance) % BUS_AHEAD_FRAMES];
}

/* The steps are inline, because GCC removes calls of a function that does nothing but prefetch. */

G_ALWAYS_INLINE static inline void
ahead_take_frame (BusAhead *ahead)
{
  const BusCore *core = ahead->peer->core;
  BusPreread *frame = ahead_frame (ahead, BUS_AHEAD_CELL);
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

static BusSubscription *
ahead_guess_subscription (const BusAhead *ahead, const BusPreread *frame)
{
  return bus_subscriptions_guess (&ahead->peer->subscriptions, frame->credit.subscription);
}

static const BusMatch *
ahead_guess_match (const BusAhead *ahead, const BusPreread *frame)
{
  guint at;

  return bus_table_first (&ahead->peer->core->routes->matches.table, frame->hash, &at);
}

G_ALWAYS_INLINE static inline void
ahead_load_item (const BusAhead *ahead, const BusPreread *frame)
{
  const BusSubscription *subscription;
  const BusMatch *match;

  if (frame->is_hashed)
    {
      match = ahead_guess_match (ahead, frame);
      if (match != NULL)
        bus_match_prefetch (match);
    }
  else if (frame->body != NULL)
    {
      subscription = ahead_guess_subscription (ahead, frame);
      if (subscription != NULL)
        bus_subscription_prefetch (subscription);
    }
}

/* Loads the receivers of the match, or the records of the subscription. */
G_ALWAYS_INLINE static inline void
ahead_load_behind (const BusAhead *ahead, const BusPreread *frame)
{
  const BusSubscription *subscription;
  const BusMatch *match;

  if (frame->is_hashed)
    {
      match = ahead_guess_match (ahead, frame);
      if (match != NULL)
        bus_match_prefetch_receivers (match, &ahead->peer->core->routes->topics);
    }
  else if (frame->body != NULL)
    {
      subscription = ahead_guess_subscription (ahead, frame);
      if (subscription != NULL)
        bus_unsettled_prefetch (subscription);
    }
}

/* Loads the first record of the subscription, for credit. */
G_ALWAYS_INLINE static inline void
ahead_load_record (const BusAhead *ahead, const BusPreread *frame)
{
  const BusSubscription *subscription
      = !frame->is_hashed && frame->body != NULL ? ahead_guess_subscription (ahead, frame) : NULL;

  if (subscription != NULL)
    bus_unsettled_prefetch_record (subscription);
}

/* Loads the records of the subscription of the match. A match that is not current may name a subscription that has ended. */
G_ALWAYS_INLINE static inline void
ahead_load_last (const BusAhead *ahead, const BusPreread *frame)
{
  const BusMatch *match = frame->is_hashed ? ahead_guess_match (ahead, frame) : NULL;

  if (match != NULL && match->first != NULL && bus_match_is_current (&ahead->peer->core->routes->matches, match))
    bus_unsettled_prefetch (match->first);
}

/* Begins a read. No earlier frame gives time to load the memory of the first frames, so all these loads begin at once. */
static void
ahead_begin (BusAhead *ahead, WireSpan input)
{
  ahead->rest = input;
  ahead->n = 0;
  for (guint i = 0; i < BUS_AHEAD_FRAMES; i++)
    bus_preread_forget (&ahead->frames[i]);
  for (guint i = 1; i < BUS_AHEAD_CELL; i++)
    ahead_take_frame (ahead);
  for (guint i = 0; i < BUS_AHEAD_ITEM; i++)
    ahead_load_item (ahead, &ahead->frames[i]);
  for (guint i = 0; i < BUS_AHEAD_BEHIND; i++)
    ahead_load_behind (ahead, &ahead->frames[i]);
}

void
bus_ahead_load (BusAhead *ahead, WireSpan input)
{
  if (ahead->rest.data == NULL || ahead->rest.data < input.data)
    ahead_begin (ahead, input);
  ahead->current = ahead_frame (ahead, 0);
  ahead_take_frame (ahead);
  ahead_load_item (ahead, ahead_frame (ahead, BUS_AHEAD_ITEM));
  ahead_load_behind (ahead, ahead_frame (ahead, BUS_AHEAD_BEHIND));
  ahead_load_record (ahead, ahead_frame (ahead, BUS_AHEAD_RECORD));
  ahead_load_last (ahead, ahead_frame (ahead, BUS_AHEAD_LAST));
}
