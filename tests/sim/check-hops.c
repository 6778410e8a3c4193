/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "queue/bus-stream.h"
#include "route/bus-request.h"
#include "sim-hops.h"

/*
 * M24: reports every waiting message to the model of stations. A message that waits has not been written, so these reports bound
 * the times at which it was queued and written.
 */

static void
check_hops_subscriptions (SimWorld *world, const BusPeer *peer, guint connection)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      SimSlots slots = sim_slots_of (subscription);
      const BusSlot *slot;

      while ((slot = sim_slots_next (&slots)) != NULL)
        if (slot->state != BUS_DELIVERY_LOST)
          sim_hops_waits (world, connection, subscription->id, slot->message->accept_seq, slot->delivery.attempt);
    }
}

static void
check_hops_replies (SimWorld *world, const BusPeer *peer, guint connection)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    for (const BusEntry *entry = peer->flow.lanes[lane].first; entry != NULL; entry = entry->next)
      if (entry->plain)
        sim_hops_waits (world, connection, 0, entry->message->accept_seq, 1);
  for (const GList *link = peer->calls->asked.head; link != NULL; link = link->next)
    {
      const BusStream *stream = ((const BusRequest *) link->data)->stream;

      for (const GList *wait = stream != NULL ? stream->waiting.head : NULL; wait != NULL; wait = wait->next)
        sim_hops_waits (world, connection, 0, ((const BusStreamItem *) wait->data)->message->accept_seq, 1);
    }
}

void
sim_check_hops (SimWorld *world)
{
  if (!world->traces)
    return;
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      const SimClient *client = bus_peer_link ((BusPeer *) (gsize) peer);

      check_hops_subscriptions (world, peer, client->number);
      check_hops_replies (world, peer, client->number);
    }
  sim_hops_checked (world);
}
