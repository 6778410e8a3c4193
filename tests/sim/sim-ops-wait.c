/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-ops-private.h"

/* An operation that waits until a client is connected, watches one client (or all, for the agent and the tool), or ends a
 * watch. */

static void
ops_end_watch (SimClient *client, guint64 id)
{
  const SimFrame frame = { .kind = SIM_FRAME_UNWAIT, .number = id };
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = id;
  sim_cover (client->world, SIM_COVER_WATCH_ENDED);
  sim_client_put (client, WIRE_KIND_CANCEL, 0, &envelope, &frame);
}

void
sim_op_wait (SimWorld *world, SimClient *client)
{
  SimRandom *random = &world->random;
  SimFrame frame = { .kind = SIM_FRAME_WAIT, .watched_slot = sim_below (random, SIM_CLIENTS) };
  Daemoneye__Eventbus__V1__WaitRequest request;
  guint64 watched = sim_waits_watched_by (world->waits, client->number);
  guint8 bytes[SIM_CALL_MAX];
  WireEnvelope envelope;

  if (!client->has_streams || !sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;
  if (watched != 0 && sim_chance (random, 50))
    {
      ops_end_watch (client, watched);
      return;
    }
  frame.watches = watched == 0 && sim_chance (random, 70);
  if (frame.watches && client->role != SIM_COLLECTOR && sim_chance (random, 70))
    frame.watched_slot = SIM_WAIT_ALL;
  daemoneye__eventbus__v1__wait_request__init (&request);
  request.watch = frame.watches;
  if (frame.watched_slot != SIM_WAIT_ALL)
    request.peer = world->clients[frame.watched_slot].id;
  wire_envelope_init (&envelope);
  frame.number = envelope.id = ++client->next_id;
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.wait");
  if (!frame.watches)
    {
      envelope.deadline_us = 2 * (500 + sim_below (random, 200000));
      g_hash_table_add (client->asked, g_memdup2 (&envelope.id, sizeof envelope.id));
    }
  envelope.payload = wire_span (bytes, daemoneye__eventbus__v1__wait_request__pack (&request, bytes));
  sim_client_put (client, WIRE_KIND_REQUEST, 0, &envelope, &frame);
}
