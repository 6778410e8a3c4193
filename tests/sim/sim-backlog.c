/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-backlog.h"

#include "core-view.h"

#define FRAME_MAX 65536u /* bytes: above the cost of any frame in the queue of a client */

/* Passes all frames of the client, also its credit, to the broker, and reads all that the broker sends for it. FALSE: nothing is
 * left to read, or no message of the subscription came. */
static gboolean
backlog_exchange (SimWorld *world, SimClient *client, const SimSub *sub)
{
  const guint64 got = sub->got_messages;
  const guint32 number = sub->number;

  sim_world_feed (world, client, G_MAXSIZE);
  if (client->peer != NULL)
    sim_world_drain (world, client, TRUE);
  if (!sub->exists || sub->number != number)
    return FALSE;
  if (sub->got_messages > got)
    return TRUE;
  if (sim_view_waiting (client, sub->number) > 0 && sim_view_has_room (client, FRAME_MAX))
    sim_world_fail (world, "I20: messages wait for subscription %u of %s, which has credit", sub->number, client->id);
  return FALSE;
}

/* Reads until at most @longest messages wait for the subscription. */
static void
backlog_read_one (SimWorld *world, SimClient *client, const SimSub *sub, guint longest)
{
  sim_cover (world, world->reads_at_once ? SIM_COVER_READ_AT_ONCE : SIM_COVER_BACKLOG);
  while (sim_view_waiting (client, sub->number) > longest && !sim_world_failed (world)
         && backlog_exchange (world, client, sub))
    ;
}

void
sim_backlog_read (SimWorld *world, guint longest)
{
  if (world->reads_at_once)
    longest = 0;
  for (guint i = 0; i < SIM_CLIENTS * SIM_SUBS; i++)
    {
      SimClient *client = &world->clients[i / SIM_SUBS];
      const SimSub *sub = &client->subs[i % SIM_SUBS];

      if (sub->exists && sim_view_waiting (client, sub->number) > longest && !sim_view_encodes_later (client))
        backlog_read_one (world, client, sub, longest);
    }
}
