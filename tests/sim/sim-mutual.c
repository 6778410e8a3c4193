/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-mutual.h"

#include "sim-model.h"
#include "sim-ops-private.h"

#define CHANCE   4    /* in a hundred steps */
#define MESSAGES 100u /* more than a window has room for */
#define PAIR     2u   /* the agent and a tool, which may both publish the topic and subscribe to it */
#define TOPIC    "tasks.procmond"

/* TRUE if a subscription of the client blocks the publishers of the topic. */
static gboolean
mutual_blocks (const SimWorld *world, const SimClient *client)
{
  for (guint i = 0; i < SIM_SUBS - 1; i++)
    if (client->subs[i].exists && sim_model_matches (client->subs[i].pattern, TOPIC)
        && sim_model_policy (world->model, client->number, client->subs[i].number) == SIM_BLOCK)
      return TRUE;
  return FALSE;
}

/* Lets the client publish until its credit is used up. Both clients read at the same time, so returned credit is used as
 * well. */
static void
mutual_publish (SimWorld *world, SimClient *client)
{
  client->is_frozen = FALSE;
  client->is_late = FALSE;
  for (guint i = 0; i < MESSAGES && client->peer != NULL && sim_client_has_credit (client, WIRE_CLASS_MUST_KEEP); i++)
    {
      sim_ops_publish_to (world, client, TOPIC, 8 + sim_below (&world->aside, 200));
      sim_world_feed (world, client, G_MAXSIZE);
      for (guint j = 0; j < PAIR; j++)
        if (world->clients[j].peer != NULL)
          sim_world_drain (world, &world->clients[j], TRUE);
    }
}

void
sim_mutual_run (SimWorld *world)
{
  guint blocking = 0;

  if (!world->has_mutual || !sim_chance (&world->aside, CHANCE) || sim_world_failed (world))
    return;
  for (guint i = 0; i < PAIR; i++)
    if (!world->clients[i].is_ready)
      return;
    else if (mutual_blocks (world, &world->clients[i]))
      blocking++;
    else if (sim_client_has_credit (&world->clients[i], WIRE_CLASS_CONTROL))
      sim_ops_subscribe_narrow (&world->clients[i], sim_below (&world->aside, SIM_SUBS - 1), TOPIC);
  for (guint i = 0; blocking == PAIR && i < PAIR; i++)
    mutual_publish (world, &world->clients[i]);
  sim_world_close_peers (world);
}
