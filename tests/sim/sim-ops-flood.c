/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-ops-private.h"

/*
 * A flood: many large messages while one subscriber reads nothing. Its queue exceeds a limit of its account or of the broker by
 * much more than the broker drops at a time. The random mix reaches this too seldom to test which messages are dropped.
 */

#define TIGHT_BYTES 1000000u /* a limit below that can be reached */
#define ROUNDS      8u
#define BURST       5u
#define TOPIC       "events.process.anomaly" /* every client may publish it */

static gboolean
flood_can_reach_limit (const SimWorld *world)
{
  return world->options.limits.broker_bytes < TIGHT_BYTES || world->options.limits.uid_bytes < TIGHT_BYTES;
}

static gboolean
flood_matches (const SimClient *client)
{
  for (guint i = 0; client->is_ready && i < SIM_SUBS; i++)
    if (client->subs[i].exists && sim_model_matches (client->subs[i].pattern, TOPIC))
      return TRUE;
  return FALSE;
}

/* Another client that subscribes to the topic. NULL: there is none */
static SimClient *
flood_find_subscriber (SimWorld *world, const SimClient *client)
{
  guint start = sim_below (&world->random, SIM_CLIENTS);

  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      SimClient *other = &world->clients[(start + i) % SIM_CLIENTS];

      if (other != client && flood_matches (other))
        return other;
    }
  return NULL;
}

/* Passes everything to the broker, and lets every client read that is not frozen, so that credit returns. */
static void
flood_pass_in (SimWorld *world, SimClient *client)
{
  sim_world_feed (world, client, G_MAXSIZE);
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && !world->clients[i].is_frozen)
      sim_world_drain (world, &world->clients[i], TRUE);
  sim_world_close_peers (world);
}

void
sim_op_flood (SimWorld *world, SimClient *client)
{
  SimClient *subscriber
      = flood_can_reach_limit (world) && !client->is_late ? flood_find_subscriber (world, client) : NULL;

  if (subscriber == NULL)
    return;
  subscriber->is_frozen = TRUE;
  client->is_frozen = FALSE;
  for (guint round = 0; round < ROUNDS && client->peer != NULL && client->is_ready; round++)
    {
      for (guint i = 0; i < BURST && sim_client_has_credit (client, WIRE_CLASS_MAY_DROP); i++)
        sim_ops_publish_to (world, client, TOPIC,
                            SIM_PAYLOAD_MAX / 2 + sim_below (&world->random, SIM_PAYLOAD_MAX / 2));
      flood_pass_in (world, client);
    }
}
