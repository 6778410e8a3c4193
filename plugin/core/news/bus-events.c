/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-events.h"

#include "peer/bus-state.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__PeerEvent PeerEvent;

static void
events_publish (BusPeer *peer, const char *topic, PeerEvent *event, gint64 now_us)
{
  event->id = peer->id;
  event->type = peer->type;
  event->role = (Daemoneye__Eventbus__V1__Role) peer->principal.role;
  event->pid = peer->who.pid;
  event->uid = peer->account->number;
  event->account = peer->account->name;
  event->incarnation = peer->incarnation;
  bus_router_announce (peer->core, topic, &event->base, now_us);
}

/* @ended: the connection that has ended. */
static void
events_fill_end (PeerEvent *event, const BusPeer *ended, const BusEnd *end)
{
  event->status = ended->close_status;
  event->detail = (char *) (gsize) bus_peer_extra (ended)->close_detail;
  event->subscriptions = end->subscriptions;
  event->discarded = end->leave.discarded;
  event->rerouted = end->leave.rerouted;
  event->repeated_by_others = end->leave.repeated;
  event->unacknowledged = end->leave.unacknowledged;
}

void
bus_events_connected (BusPeer *peer, const BusPeer *replaced, const BusEnd *end, gint64 now_us)
{
  PeerEvent event;

  daemoneye__eventbus__v1__peer_event__init (&event);
  if (replaced != NULL)
    {
      events_fill_end (&event, replaced, end);
      event.replaced = replaced->incarnation;
    }
  events_publish (peer, "system.peer.connected", &event, now_us);
}

void
bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us)
{
  PeerEvent event;

  daemoneye__eventbus__v1__peer_event__init (&event);
  events_fill_end (&event, peer, end);
  events_publish (peer, "system.peer.gone", &event, now_us);
}
