/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-request.h"
#include "route/bus-routes.h"

/*
 * I4, I6, O06, B04: the pending requests of the core. Each request is in the lists that belong to its state, and the slot of a
 * waiting request refers to it. A request that ends while it waits is removed from its queue; one that was sent is followed by
 * CANCEL (sim-requests compares what the responder receives). Replies wait only while their window is closed.
 */

/* --- requests that end --- */

static guint
check_requests_number (const BusPeer *peer)
{
  return ((const SimClient *) bus_peer_link (peer))->number;
}

/* The number of messages and requests that all peers were sent so far. */
static guint64
check_requests_delivered (const SimWorld *world)
{
  BusCoreStats stats;

  bus_core_stats (world->core, &stats);
  return stats.delivered;
}

GArray *
sim_check_before_requests (const SimWorld *world)
{
  GArray *routes = g_array_new (FALSE, FALSE, sizeof (SimRoute));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->core->routes->requests);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const BusRequest *request = value;
      const SimRoute route = { request->route_id, check_requests_number (request->responder), !request->mark.is_sent,
                               check_requests_delivered (world) };

      g_array_append_val (routes, route);
    }
  return routes;
}

void
sim_check_after_requests (SimWorld *world, GArray *routes, guint except)
{
  g_autoptr (GArray) owned = routes;

  for (guint i = 0; i < owned->len; i++)
    {
      const SimRoute *route = &g_array_index (owned, SimRoute, i);

      if (g_hash_table_contains (world->core->routes->requests, &route->route) || route->responder == except)
        continue;
      /* It may have been sent to another responder in this step, but only if the total has changed. */
      if (route->is_queued && check_requests_delivered (world) == route->delivered)
        {
          sim_cover (world, SIM_COVER_WITHDRAWN);
          sim_requests_withdrawn (world->requests, route->route);
        }
      else if (route->is_queued)
        sim_requests_ended (world->requests, route->route);
      else
        sim_requests_expect_cancel (world->requests, route->route);
    }
}

/* --- lists --- */

static void
check_requests_route (SimWorld *world, const BusRequest *request)
{
  const BusSlot *slot = request->mark.slot;

  if (request->responder == NULL
      || g_queue_find (&bus_peer_need_calls (request->responder)->answering, request) == NULL)
    sim_world_fail (world, "I12: a request is not in the list of its responder");
  if (slot != NULL
      && (request->mark.is_sent || slot->delivery.route_id != request->route_id
          || slot->subscription->owner != request->responder))
    sim_world_fail (world, "I12: a request waits in a slot that is not its own");
  if (request->state != (request->mark.is_sent ? BUS_REQUEST_SENT : BUS_REQUEST_QUEUED)
      && !(request->state == BUS_REQUEST_QUEUED && request->mark.is_sent))
    sim_world_fail (world, "I12: a request is %s", bus_request_state_name (request->state));
}

static void
check_requests_stream (SimWorld *world, const BusStream *stream)
{
  const BusStreamItem *first;
  guint tickets = 0;

  for (const GList *link = stream->waiting.head; link != NULL; link = link->next)
    tickets += ((const BusStreamItem *) link->data)->ticket != NULL;
  if (tickets != stream->tickets || (tickets > 0) != bus_deadline_is_armed (&stream->block_timer.deadline))
    sim_world_fail (world, "B04: a stream miscounts the credit that it withholds");
  if (stream->waiting.head == NULL)
    return;
  sim_cover (world, SIM_COVER_STREAM_WAITED);
  first = stream->waiting.head->data;
  if (bus_window_is_open (&stream->window) || first->frame.kind == BUS_STREAM_OWN)
    sim_world_fail (world, "B04: a reply waits, and its window is open");
}

static void
check_requests_peer (SimWorld *world, const BusPeer *peer)
{
  guint members = 0;

  for (const GList *link = peer->calls->asked.head; link != NULL; link = link->next)
    {
      const BusRequest *request = link->data;
      const BusMembers *asked = request->members;

      if (asked != NULL)
        members += asked->requests.length;
      if (asked != NULL && request->state == BUS_REQUEST_SENT
          && asked->asked != asked->answered + asked->failed + asked->requests.length)
        sim_world_fail (world, "I6: a request to many lost a member");
      if (request->stream != NULL)
        check_requests_stream (world, request->stream);
      if (request->reply_lane == WIRE_LANE_DATA)
        sim_cover (world, SIM_COVER_LARGE_REPLY);
      if (peer->calls->asked_by_id == NULL
          || g_hash_table_lookup (peer->calls->asked_by_id, &request->requester.id) != request)
        sim_world_fail (world, "I12: a peer does not find its request");
    }
  if ((peer->calls->asked_by_id != NULL ? g_hash_table_size (peer->calls->asked_by_id) : 0) != peer->calls->asked.length
      || members != peer->calls->n_asked_members)
    sim_world_fail (world, "I12: a peer miscounts its requests");
  if (members > world->core->limits.max_request_members
      || peer->calls->asked.length > world->core->limits.max_pending_requests)
    sim_world_fail (world, "R06: %s has %u requests with %u members", peer->id, peer->calls->asked.length, members);
}

void
sim_check_requests (SimWorld *world)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->core->routes->requests);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    check_requests_route (world, value);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    check_requests_peer (world, link->data);
}

/* --- sums --- */

void
sim_check_count_streams (SimWorld *world,
                         const BusPeer *peer,
                         guint64 *waiting_bytes,
                         guint64 *waiting_messages,
                         guint64 *held_bytes,
                         guint64 *held_messages)
{
  for (const GList *link = peer->calls->asked.head; link != NULL; link = link->next)
    {
      const BusStream *stream = ((const BusRequest *) link->data)->stream;

      for (const GList *wait = stream != NULL ? stream->waiting.head : NULL; wait != NULL; wait = wait->next)
        {
          const BusStreamItem *item = wait->data;
          guint64 cost = bus_message_cost (item->message) + sizeof (BusStreamItem);

          *waiting_bytes += cost;
          *waiting_messages += 1;
          *held_bytes += item->ticket != NULL ? cost : 0;
          *held_messages += item->ticket != NULL;
        }
    }
}
