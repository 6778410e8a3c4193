/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "core-view.h"
#include "sim-ops-private.h"

/*
 * Draining: a call, of the client itself or of the agent or a tool, stops new messages for a member of a group; a later call lets
 * it take part again. The model predicts the subscriptions that drain. Calls that wait for the end of a drain are kept in a list,
 * which check-drain compares with the core. A member gets a notice when it begins to drain and when it has finished.
 */

void
sim_drain_run (SimWorld *world, SimClient *client)
{
  SimRandom *random = &world->random;
  Daemoneye__Eventbus__V1__DrainRequest request;
  SimFrame frame = { .kind = SIM_FRAME_DRAIN, .drained_slot = client->slot, .resumes = sim_chance (random, 40) };

  if (client->role != SIM_COLLECTOR || sim_chance (random, 10))
    frame.drained_slot = sim_below (random, SIM_CLIENTS);
  daemoneye__eventbus__v1__drain_request__init (&request);
  if (frame.drained_slot != client->slot)
    request.peer = world->clients[frame.drained_slot].id;
  if (sim_chance (random, 60))
    {
      frame.group = sim_groups[sim_below (random, SIM_GROUPS)];
      request.group = (char *) (gsize) frame.group;
    }
  else
    {
      const SimSub *sub = &world->clients[frame.drained_slot].subs[sim_below (random, SIM_SUBS)];

      if (!sub->exists)
        return;
      frame.subscription = request.subscription = sub->number;
    }
  request.resume = frame.resumes;
  if (!sim_client_has_credit (client, WIRE_CLASS_CONTROL))
    return;
  frame.number = client->next_id + 1;
  sim_ops_call (client, "control.bus.drain", &request.base, &frame);
}

/* Adds the call if it waits. */
static void
drain_note_call (SimWorld *world, const SimClient *client, const SimFrame *frame, const char *scope)
{
  SimDrain drain = { .asker = client->number,
                     .id = frame->number,
                     .member = world->clients[frame->drained_slot].number,
                     .subscription = scope == NULL ? frame->subscription : 0 };

  if (scope != NULL)
    g_strlcpy (drain.scope, scope, sizeof drain.scope);
  if (sim_view_call_waits (client, frame->number))
    {
      sim_cover (world, SIM_COVER_DRAIN_WAITED);
      g_array_append_val (world->drains, drain);
    }
}

void
sim_drain_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, gboolean may_wait)
{
  SimClient *member = &world->clients[frame->drained_slot];
  gboolean is_allowed = member == client || client->role != SIM_COLLECTOR;
  const char *scope = frame->group;

  if (!is_allowed || member->peer == NULL || !member->is_known || bus_peer_is_closing (member->peer)
      || (!may_wait && !frame->resumes))
    {
      if (sim_view_call_waits (client, frame->number))
        sim_world_fail (world, "M06: %s drained %s without the right", client->id, member->id);
      return;
    }
  if (scope == NULL)
    scope = sim_model_scope (world->model, member->number, frame->subscription);
  if (scope != NULL)
    sim_model_drain (world->model, member->number, scope, !frame->resumes);
  sim_check_drain_called (world, member);
  if (frame->resumes)
    sim_cover (world, SIM_COVER_DRAIN_RESUMED);
  else
    drain_note_call (world, client, frame, scope);
}

/* --- notices --- */

static SimSub *
drain_find_sub (SimClient *client, guint32 subscription)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    if (client->subs[i].exists && client->subs[i].number == subscription)
      return &client->subs[i];
  return NULL;
}

void
sim_drain_noted (SimClient *client, const WireEnvelope *envelope)
{
  SimSub *sub = drain_find_sub (client, envelope->subscription);

  if (envelope->status != WIRE_STATUS_OK && envelope->status != WIRE_STATUS_DRAINING)
    sim_world_fail (client->world, "M06: a notice to %s has the status %u", client->id, envelope->status);
  if (sub == NULL)
    return; /* it has unsubscribed */
  if (envelope->status == sub->noted_status && envelope->value >= sub->noted_value && sub->noted_status != 0
      && envelope->status == WIRE_STATUS_OK)
    sim_world_fail (client->world, "M06: %s got a notice twice", client->id);
  if (envelope->status == WIRE_STATUS_DRAINING && envelope->value == 0 && sub->got_messages != sub->returned_messages)
    sim_world_fail (client->world,
                    "M06: %s got the notice that it has drained, but holds %" G_GUINT64_FORMAT " messages", client->id,
                    sub->got_messages - sub->returned_messages);
  sub->noted_status = envelope->status;
  sub->noted_value = envelope->value;
}

void
sim_drain_finish (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      const SimClient *client = &world->clients[i / SIM_SUBS];
      const SimSub *sub = &client->subs[i % SIM_SUBS];
      gboolean has_finished = sub->noted_status == WIRE_STATUS_DRAINING && sub->noted_value == 0;

      if (client->peer == NULL || !client->is_ready || !sub->exists || i % SIM_SUBS == SIM_SERVE_PLACE)
        continue;
      if (sim_model_drains (world->model, client->number, sub->number) != has_finished)
        sim_world_fail (world, "M06: the last notice to %s about subscription %u is %u, %" G_GUINT64_FORMAT, client->id,
                        sub->number, sub->noted_status, sub->noted_value);
    }
}
