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
  bus_router_announce (peer->core, topic, &event->base, now_us);
}

void
bus_events_connected (BusPeer *peer, gint64 now_us)
{
  PeerEvent event;

  daemoneye__eventbus__v1__peer_event__init (&event);
  events_publish (peer, "system.peer.connected", &event, now_us);
}

void
bus_events_gone (BusPeer *peer, guint subscriptions, const BusLeave *leave, gint64 now_us)
{
  PeerEvent event;

  daemoneye__eventbus__v1__peer_event__init (&event);
  event.status = peer->close_status;
  event.detail = peer->close_detail;
  event.subscriptions = subscriptions;
  event.discarded = leave->discarded;
  event.rerouted = leave->rerouted;
  event.unacknowledged = leave->unacknowledged;
  events_publish (peer, "system.peer.gone", &event, now_us);
}
