/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "route/bus-group.h"
#include "route/bus-request.h"

/*
 * K11: coverage of takeovers. Other files check the subscriptions, requests, retained and last messages of each connection that
 * ends. This file counts how often a connection had some of each when its id was taken over.
 */

static void
replaced_cover_subscriptions (SimWorld *world, const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      if (subscription->group != NULL && !subscription->serves)
        sim_cover (world, SIM_COVER_REPLACED_MEMBER);
      if (subscription->records->first != NULL)
        sim_cover (world, SIM_COVER_REPLACED_UNSETTLED);
    }
}

void
sim_check_cover_replaced (SimWorld *world, const SimClient *client)
{
  const BusPeer *peer = client->peer;

  replaced_cover_subscriptions (world, peer);
  if (peer->calls->asked.length > 0)
    sim_cover (world, SIM_COVER_REPLACED_REQUESTER);
  if (peer->calls->answering.length > 0)
    sim_cover (world, SIM_COVER_REPLACED_RESPONDER);
  if (peer->calls->retained.length > 0)
    sim_cover (world, SIM_COVER_REPLACED_RETAINED);
}
