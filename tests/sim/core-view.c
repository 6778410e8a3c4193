/* SPDX-License-Identifier: Apache-2.0 */
#include "core-view.h"

#include "calls/bus-later.h"
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-hold.h"
#include "route/bus-routes.h"
#include "wire-feature.h"

gboolean
sim_view_has_subscription (const SimClient *client, guint32 subscription, gboolean *waits)
{
  const BusSubscription *found = client->peer != NULL ? sim_subscription_of (client, subscription) : NULL;

  *waits = found != NULL && found->fifo->messages > 0;
  return found != NULL;
}

guint64
sim_view_waiting (const SimClient *client, guint32 subscription)
{
  const BusSubscription *found = client->peer != NULL ? sim_subscription_of (client, subscription) : NULL;

  return found != NULL ? found->fifo->messages : 0;
}

gboolean
sim_view_encodes_later (const SimClient *client)
{
  return client->peer != NULL && bus_deadline_is_armed (&client->peer->flow.retry_timer.deadline);
}

guint
sim_view_policy (const SimClient *client, guint32 subscription)
{
  const BusSubscription *found = sim_subscription_of (client, subscription);

  return found != NULL ? found->bounds.policy : 0;
}

gboolean
sim_view_is_demoted (const SimClient *client, guint32 subscription)
{
  const BusSubscription *found = client->peer != NULL ? sim_subscription_of (client, subscription) : NULL;

  return found != NULL && bus_subscription_is_demoted (found);
}

gboolean
sim_view_retains (gconstpointer world, const char *topic)
{
  const BusCore *core = ((const SimWorld *) world)->core;

  return bus_retain_store_find (&core->routes->retained, core->seed, wire_span_str (topic)) != NULL;
}

guint64
sim_view_retained (const SimClient *client, guint32 subscription)
{
  const BusSubscription *found = sim_subscription_of (client, subscription);

  return found != NULL ? found->records->retained : 0;
}

guint64
sim_view_accept_seq (const SimWorld *world)
{
  return world->core->routes->accept_seq;
}

void
sim_view_grant_all (const SimClient *client)
{
  client->peer->features |= WIRE_FEATURE_DELIVERY;
}

guint64
sim_view_announced (const SimWorld *world)
{
  return world->core->flows.domains[BUS_DOMAIN_SYSTEM].accepted;
}

gboolean
sim_view_is_ready (const SimClient *client)
{
  return client->peer != NULL && bus_peer_is_ready (client->peer);
}

/* Reads the number in the payload. FALSE: it contains none. */
static gboolean
view_read_number (const BusMessage *message, guint64 *number)
{
  if (message->payload_len < sizeof *number)
    return FALSE;
  memcpy (number, message->body.data + message->body.len - message->payload_len, sizeof *number);
  return TRUE;
}

gboolean
sim_view_is_held (const SimWorld *world, guint64 number)
{
  const BusHolds *holds = world->core->routes->holds;
  guint64 one;

  for (const GList *link = holds != NULL ? holds->messages.head : NULL; link != NULL; link = link->next)
    if (view_read_number (((const BusHeld *) link->data)->message, &one) && one == number)
      return TRUE;
  return FALSE;
}

gboolean
sim_view_unsent (const SimClient *client, guint64 *route, guint64 *number)
{
  const BusSlot *slot = sim_unsent_of (client, 0);

  if (slot == NULL || !view_read_number (slot->message, number))
    return FALSE;
  *route = slot->delivery.route_id;
  return TRUE;
}

guint64
sim_view_received (const SimClient *client)
{
  return client->peer->received;
}

gboolean
sim_view_has_room (const SimClient *client, guint64 bytes)
{
  const BusCore *core = client->peer->core;

  return core->quota.memory + bytes <= core->quota.cap
         && client->peer->account->usage.charged + bytes <= core->limits.uid_bytes;
}

gboolean
sim_view_is_full (const SimClient *client)
{
  return !sim_view_has_room (client, 8192); /* above the cost of any subscription */
}

gboolean
sim_view_may_wait (const SimClient *client)
{
  return bus_peer_pending (client->peer) < client->peer->core->limits.max_pending_requests;
}

gboolean
sim_view_is_taken_over (const SimClient *client)
{
  return client->peer->close_status == WIRE_STATUS_TAKEN_OVER;
}

gboolean
sim_view_call_waits (const SimClient *client, guint64 id)
{
  return bus_later_is_pending (client->peer, id);
}

gboolean
sim_view_is_closing (const SimWorld *world)
{
  return world->core->closing.length > 0;
}

gboolean
sim_view_control_waits (const SimClient *client)
{
  return client->peer != NULL && bus_peer_is_ready (client->peer)
         && client->peer->flow.lanes[WIRE_LANE_CONTROL].first != NULL;
}

void
sim_view_grant_delivery (SimClient *client)
{
  client->peer->features |= WIRE_FEATURE_DELIVERY;
}
