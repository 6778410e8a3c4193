/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "check.h"
#include "sim-will.h"
#include "sim-world.h"
#include "wire-guard.h"

#include <string.h>

/*
 * Restarts: the broker stops with GOODBYE, or ends without it, and a new one begins with another epoch. The new one has none of
 * the subscriptions, messages and message numbers of the old one. The models are new as well, so they report any message of the
 * old epoch as one that was never published.
 *
 * Clients reconnect when operations connect them, and restore their subscriptions by the same calls before they do anything else.
 * In seeds with restarts they also do so after any other end of a connection. The broker must accept each subscription that is
 * not a member of a group, and must count as many subscriptions as the client.
 */

/* --- clients --- */

void
sim_restart_save (SimClient *client, const SimFrame *frame, WireSpan call)
{
  SimSaved *saved = &client->saved[frame->place];

  g_free (saved->frame);
  saved->frame = g_memdup2 (frame, sizeof *frame);
  saved->len = call.len;
  saved->is_wanted = FALSE;
  memcpy (saved->bytes, call.data, call.len);
}

void
sim_restart_remember (SimClient *client)
{
  for (guint i = 0; client->world->restarts && i < SIM_SUBS; i++)
    {
      SimSaved *saved = &client->saved[i];

      if (saved->frame != NULL && client->subs[i].exists && client->subs[i].number == saved->frame->subscription)
        saved->is_wanted = TRUE;
    }
}

void
sim_restart_forget (SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS; i++)
    {
      g_clear_pointer (&client->saved[i].frame, g_free);
      client->saved[i].is_wanted = FALSE;
    }
}

void
sim_restart_restore (SimClient *client)
{
  guint n = 0;

  for (guint i = 0; i < SIM_SUBS; i++)
    {
      SimSaved *saved = &client->saved[i];

      if (!saved->is_wanted || !sim_client_has_credit (client, WIRE_CLASS_CONTROL))
        continue;
      n++;
      saved->frame->is_restored = TRUE;
      client->subs[i].asked = TRUE;
      client->next_subscription = MAX (client->next_subscription, saved->frame->subscription);
      sim_client_call (client, "control.bus.subscribe", wire_span (saved->bytes, saved->len), saved->frame);
    }
  if (n > 0)
    sim_restart_verify (client->world, client);
}

void
sim_restart_verify (SimWorld *world, SimClient *client)
{
  const SimFrame frame = { .kind = SIM_FRAME_VERIFY };

  if (!sim_client_has_credit (client, WIRE_CLASS_CONTROL) || client->verified != 0)
    return;
  sim_client_call (client, "control.bus.ping", wire_span (NULL, 0), &frame);
  client->verified = client->next_id;
}

void
sim_restart_verified (SimClient *client, const WireEnvelope *envelope)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__PingReply *reply;

  if (client->verified == 0 || envelope->answers != client->verified)
    return;
  client->verified = 0;
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__ping_reply__descriptor, envelope->payload, 0, NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL || reply->subscriptions != client->n_verified || reply->epoch != client->world->options.epoch)
    sim_world_fail (client->world, "M16: the broker counts %u subscriptions of %s, there are %u",
                    reply != NULL ? reply->subscriptions : 0, client->id, client->n_verified);
  sim_cover (client->world, SIM_COVER_VERIFIED);
}

/* --- the broker --- */

static gboolean
restart_no_connection_lives (guint connection, gpointer data)
{
  return FALSE;
}

/* The clients get GOODBYE, and no connection is accepted. */
static void
restart_shut_down (SimWorld *world)
{
  const BusCredentials who = { .account = SIM_COLLECTOR_ACCOUNT, .pid = 99 };
  BusConnectRefusal refusal;

  sim_cover (world, SIM_COVER_SHUT_DOWN);
  sim_will_shut_down (world);
  bus_core_shutdown (world->core, world->now_us);
  if (bus_core_connect (world->core, &who, NULL, world->now_us, &refusal) != NULL
      || refusal.status != WIRE_STATUS_SHUTTING_DOWN)
    {
      sim_world_fail (world, "M16: a broker that ends accepted a connection");
      return;
    }
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && !bus_peer_is_closing (world->clients[i].peer))
      sim_world_fail (world, "M16: a broker that ends keeps %s", world->clients[i].id);
  sim_world_close_peers (world);
}

static void
restart_replace_core (SimWorld *world)
{
  const char *problem;

  world->fail_allocations = SIM_ALLOCATIONS_OK;
  if (sim_chance (&world->random, 50))
    restart_shut_down (world);
  for (guint i = 0; i < SIM_CLIENTS && !sim_world_failed (world); i++)
    if (world->clients[i].peer != NULL)
      sim_world_disconnect (world, &world->clients[i]);
  if (sim_world_failed (world))
    return;
  sim_check_empty (world);
  sim_model_finish (world->model);
  problem = sim_requests_finish (world->requests, restart_no_connection_lives, NULL);
  if (problem != NULL)
    sim_world_fail (world, "%s", problem);
  if (sim_confirms_count (world->confirms) > 0)
    sim_world_fail (world, "M16: a confirmation waits, and every publisher is gone");
  if (sim_world_failed (world))
    return;
  bus_core_free (world->core); /* asserts that nothing is charged */
  sim_world_forget (world);
  sim_world_begin (world);
  sim_cover (world, SIM_COVER_RESTARTED);
}

void
sim_restart_run (SimWorld *world, SimClient *client)
{
  if (!world->restarts)
    return;
  sim_world_close_peers (world);
  restart_replace_core (world);
}
