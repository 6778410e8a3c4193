/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "queue/bus-fifo.h"
#include "route/bus-routes.h"

/*
 * The store of retained messages has exactly the values of the model, each is counted for one account, and no account has
 * more than its limit. While values from the store are sent to a subscription, its live messages wait without credit.
 */

/* The order has the values of the table, the oldest first. */
static void
check_retain_places (SimWorld *world)
{
  const BusRetainOrder *order = &world->core->routes->retained.order;
  guint n = 0;

  for (guint i = order->first; i < order->end; i++)
    {
      const BusRetainPlace *place = &order->places[i];

      n += place->value != NULL ? 1 : 0;
      if (i > order->first && place->accept_seq <= order->places[i - 1].accept_seq)
        sim_world_fail (world, "I1: place %u of the retained messages is not in order", i);
      if (place->value != NULL
          && (place->message != place->value->message || place->accept_seq != place->message->accept_seq))
        sim_world_fail (world, "I1: place %u has another value than %" G_GUINT64_FORMAT, i, place->accept_seq);
    }
  if (n != order->n || n != g_hash_table_size (world->core->routes->retained.by_topic))
    sim_world_fail (world, "I1: %u retained messages are in order, %u in the table", n,
                    g_hash_table_size (world->core->routes->retained.by_topic));
}

static void
check_retain_store (SimWorld *world)
{
  const BusRetainStore *store = &world->core->routes->retained;
  GHashTableIter iter;
  gpointer data;
  guint64 bytes = 0;

  g_hash_table_iter_init (&iter, store->by_topic);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      const BusRetained *value = data;
      g_autofree char *topic = g_strndup ((const char *) value->key.text.data, value->key.text.len);

      bytes += value->size;
      if (!sim_retains_has (world->retained, topic, value->message->accept_seq))
        sim_world_fail (world, "the store has the value %" G_GUINT64_FORMAT " of %s, which is not the newest one",
                        value->message->accept_seq, topic);
    }
  if (g_hash_table_size (store->by_topic) != sim_retains_count (world->retained))
    sim_world_fail (world, "the store has %u values, there are %u", g_hash_table_size (store->by_topic),
                    sim_retains_count (world->retained));
  if (bytes != store->bytes)
    sim_world_fail (world, "I1: the store of retained messages miscounts");
}

static void
check_retain_accounts (SimWorld *world)
{
  const BusCore *core = world->core;
  const BusRetainStore *store = &core->routes->retained;
  guint64 messages = 0, bytes = 0;
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      const BusAccount *account = data;

      messages += account->retained_messages;
      bytes += account->retained_bytes;
      if (account->retained_messages > core->limits.retained_messages
          || account->retained_bytes > core->limits.retained_bytes)
        sim_world_fail (world, "I2: account %u retains %" G_GUINT64_FORMAT " messages", account->number,
                        account->retained_messages);
    }
  if (messages != g_hash_table_size (store->by_topic) || bytes != store->bytes)
    sim_world_fail (world, "I1: accounts retain %" G_GUINT64_FORMAT " messages", messages);
}

/* Live messages wait until the last value was sent. */
static void
check_retain_order (SimWorld *world, const BusPeer *peer)
{
  guint at = 0;
  gpointer data;

  while ((data = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = data;

      if (subscription->cursor != NULL && subscription->delivered != subscription->records->retained)
        sim_world_fail (world, "a message overtook the retained ones of subscription %u", subscription->id);
      if (subscription->cursor != NULL && subscription->fifo->messages > 0)
        sim_cover (world, SIM_COVER_RETAINED_FIRST);
    }
}

/* A cursor in the list has an event that moves it: bytes are sent, or a timer expires. */
static void
check_retain_moves (SimWorld *world, const BusPeer *peer)
{
  const BusPeerExtra *extra = bus_peer_extra (peer);

  if (bus_peer_is_ready (peer) && extra->cursors.head != NULL && bus_outq_bytes (&peer->flow.outq) == 0
      && !bus_deadline_is_armed (&extra->catchup_timer.deadline)
      && !bus_deadline_is_armed (&peer->flow.retry_timer.deadline))
    sim_world_fail (world, "a cursor of %s waits for no event", peer->id);
}

void
sim_check_retained (SimWorld *world)
{
  check_retain_store (world);
  check_retain_places (world);
  check_retain_accounts (world);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      check_retain_order (world, link->data);
      check_retain_moves (world, link->data);
    }
}
