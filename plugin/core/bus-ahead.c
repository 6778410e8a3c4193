/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-ahead.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "wire-peek.h"

void
bus_ahead_init (BusAhead *ahead, BusPeer *peer)
{
  ahead->peer = peer;
  ahead->is_on = peer->core->routes->n_subscriptions >= BUS_AHEAD_MIN_SUBSCRIPTIONS;
  ahead->topic = (BusKey){ .hash = 0 };
  ahead->rest = wire_span (NULL, 0);
  ahead->n = 0;
}

/* @distance: 0 is the frame that is handled next */
static BusAheadFrame *
ahead_frame (BusAhead *ahead, guint distance)
{
  return &ahead->frames[(ahead->n - BUS_AHEAD_CELL + distance) % BUS_AHEAD_FRAMES];
}

static void
ahead_take_frame (BusAhead *ahead)
{
  const BusCore *core = ahead->peer->core;
  BusAheadFrame *frame = ahead_frame (ahead, BUS_AHEAD_CELL);
  WirePeek peek;

  frame->topic.text.len = 0;
  frame->subscription = 0;
  ahead->n++;
  if (!wire_peek_next (&ahead->rest, &peek))
    return;
  if (peek.subscription != 0)
    {
      frame->subscription = (guint32) peek.subscription;
      bus_subscriptions_prefetch (&ahead->peer->subscriptions, frame->subscription);
    }
  else if (peek.topic.len > 0)
    {
      frame->topic = bus_key (core->seed, peek.topic);
      bus_table_prefetch (&core->routes->matches.table, frame->topic.hash);
    }
}

static void
ahead_load_item (const BusAhead *ahead, const BusAheadFrame *frame)
{
  gconstpointer item;
  guint at;

  if (frame->subscription != 0)
    {
      item = bus_subscriptions_guess (&ahead->peer->subscriptions, frame->subscription);
      if (item != NULL)
        bus_subscription_prefetch (item);
    }
  else if (frame->topic.text.len > 0)
    {
      item = bus_table_first (&ahead->peer->core->routes->matches.table, frame->topic.hash, &at);
      if (item != NULL)
        bus_match_prefetch (item);
    }
}

static void
ahead_load_receivers (const BusRoutes *routes, const BusAheadFrame *frame)
{
  const BusMatch *match;
  guint at;

  if (frame->topic.text.len == 0)
    return;
  match = bus_table_first (&routes->matches.table, frame->topic.hash, &at);
  if (match != NULL)
    bus_match_prefetch_receivers (match);
}

void
bus_ahead_look (BusAhead *ahead, WireSpan input)
{
  const BusRoutes *routes = ahead->peer->core->routes;
  guint more = 1;

  if (ahead->rest.data == NULL || ahead->rest.data < input.data)
    {
      ahead->rest = input;
      ahead->topic.text.len = 0;
      memset (ahead->frames, 0, sizeof ahead->frames);
      more = BUS_AHEAD_CELL;
    }
  else
    ahead->topic = ahead_frame (ahead, 0)->topic;
  while (more-- > 0)
    ahead_take_frame (ahead);
  ahead_load_item (ahead, ahead_frame (ahead, BUS_AHEAD_ITEM));
  ahead_load_receivers (routes, ahead_frame (ahead, BUS_AHEAD_RECEIVERS));
}
