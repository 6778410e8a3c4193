/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "check.h"
#include "core-view.h"
#include "sim-rival.h"

#include "peer/bus-peer.h"

/*
 * Two newcomers for one id at the same time. The first one waits for the id. The second one waits behind it; or, if it is the same
 * client object as the connection that has the id, it takes the id over at once, and the first one is refused, because the HELLO
 * counts as an answer of the client.
 *
 * If the client answers, both are refused. After a second of silence, counted from the first HELLO, the first one gets the id. The
 * second one then competes with the first one as it did with the client: the same client object takes over at once, another one
 * waits, and gets the id when the first one leaves.
 */

#define HALF_A_SECOND (G_TIME_SPAN_SECOND / 4) /* the clock of the world moves twice as fast */

typedef struct
{
  SimClient *client;
  SimClient *first;
  SimClient *second;
  gboolean is_overtaken; /* the second one is the same client object as the client */
  gboolean is_one;       /* the newcomers are the same client object */
} Pair;

static gboolean
pair_waits (const SimClient *rival)
{
  return rival->peer != NULL && rival->peer->state == BUS_PEER_WAITING;
}

static void
pair_expect (SimWorld *world, gboolean condition, const char *problem)
{
  if (!condition)
    sim_world_fail (world, "K11: of two newcomers %s", problem);
}

/* --- the newcomers connect --- */

static void
pair_connect (SimWorld *world, Pair *pair)
{
  SimRandom *random = &world->aside;
  RivalWho who[SIM_RIVALS] = { sim_below (random, 2), sim_below (random, 2) };
  RivalIncarnation incarnation[SIM_RIVALS]
      = { sim_below (random, RIVAL_N_INCARNATIONS), sim_below (random, RIVAL_N_INCARNATIONS) };
  const SimClient *same_as = NULL;

  if (who[0] == RIVAL_SAME_PROCESS && incarnation[0] == RIVAL_EQUAL)
    incarnation[0] = RIVAL_NEWER; /* it waits */
  if (sim_chance (random, 30))
    {
      who[1] = who[0];
      same_as = pair->first;
    }
  sim_rival_connect (world, pair->client, pair->first, who[0], incarnation[0], NULL);
  sim_rival_connect (world, pair->client, pair->second, who[1], incarnation[1], same_as);
  pair->is_one = who[0] == who[1] && pair->first->incarnation == pair->second->incarnation;
  pair->is_overtaken = who[1] == RIVAL_SAME_PROCESS && pair->second->incarnation == pair->client->incarnation;
}

/* --- the client has the id --- */

static void
pair_overtake (SimWorld *world, Pair *pair)
{
  sim_rival_take_at_once (world, pair->client, pair->second);
  sim_world_close_peers (world);
  pair_expect (world, pair->first->peer == NULL, "the first one was not refused by the HELLO of the second one");
  sim_cover (world, SIM_COVER_PAIR_OVERTAKEN);
}

static void
pair_answer (SimWorld *world, Pair *pair)
{
  sim_rival_answer (world, pair->client);
  if (pair->client->peer == NULL)
    return; /* an earlier frame of it ended the connection */
  pair_expect (world, pair->first->peer == NULL && pair->second->peer == NULL,
               "a newcomer was not refused although the client answered");
  sim_cover (world, SIM_COVER_PAIR_REFUSED);
}

/* The second of silence is over. */
static void
pair_stay_silent (SimWorld *world, Pair *pair)
{
  sim_check_cover_replaced (world, pair->client);
  sim_world_advance (world, HALF_A_SECOND);
  if (world->is_tick_due)
    return; /* the timer of the broker is late */
  pair_expect (world, pair->client->peer == NULL, "neither has the id after a second of silence");
  if (pair->is_one)
    pair_expect (world, pair->first->peer == NULL && sim_view_is_ready (pair->second),
                 "the second one did not take over from itself");
  else
    pair_expect (world, sim_view_is_ready (pair->first) && pair_waits (pair->second),
                 "the first one did not get the id, or the second one does not wait");
  sim_cover (world, pair->is_one ? SIM_COVER_PAIR_IS_ONE : SIM_COVER_PAIR_IN_TURN);
}

static void
pair_wait (SimWorld *world, Pair *pair)
{
  sim_rival_send_hello (world, pair->second);
  if (pair_waits (pair->first))
    pair_expect (world, pair_waits (pair->second), "the second one does not wait");
  else if (sim_view_is_ready (pair->first))
    return; /* the client is gone */
  if (sim_chance (&world->aside, 30))
    pair_answer (world, pair);
  else
    pair_stay_silent (world, pair);
}

/* --- a newcomer has the id --- */

static void
pair_pass_on (SimWorld *world, SimClient *holder, SimClient *waiter)
{
  sim_rival_note (world, holder);
  sim_world_disconnect (world, holder);
  sim_world_close_peers (world);
  pair_expect (world, sim_view_is_ready (waiter), "the newcomer that waited does not get the id of the other one");
  sim_cover (world, SIM_COVER_PAIR_INHERITED);
}

/* One of them has the id, and the other one may wait for it. */
static void
pair_disconnect (SimWorld *world, SimClient *holder, SimClient *waiter)
{
  if (pair_waits (waiter) && sim_chance (&world->aside, 50))
    {
      pair_pass_on (world, holder, waiter);
      return;
    }
  if (waiter->peer != NULL)
    sim_world_disconnect (world, waiter);
  sim_world_close_peers (world);
  pair_expect (world, sim_view_is_ready (holder), "the newcomer with the id lost it when the other one left");
  sim_cover (world, SIM_COVER_PAIR_GAVE_UP);
}

static void
pair_end (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_RIVALS; i++)
    {
      SimClient *rival = &world->rivals[i];

      if (rival->peer != NULL && bus_peer_is_ready (rival->peer) && client->peer == NULL
          && sim_chance (&world->aside, 60))
        sim_rival_stay (world, client, rival);
      else if (rival->peer != NULL)
        sim_rival_leave (world, rival);
      sim_world_close_peers (world);
    }
}

static void
pair_run (SimWorld *world, SimClient *client)
{
  Pair pair = { .client = client, .first = &world->rivals[0], .second = &world->rivals[1] };

  /* A newcomer is refused if there is no memory for its HELLO or WELCOME. */
  world->fail_allocations = SIM_ALLOCATIONS_OK;
  pair_connect (world, &pair);
  if (sim_world_failed (world))
    return;
  sim_rival_send_hello (world, pair.first);
  /* A client whose queue has no room for PING is disconnected. */
  pair_expect (world, pair_waits (pair.first) || bus_peer_is_closing (client->peer), "the first one does not wait");
  sim_world_advance (world, HALF_A_SECOND);
  if (client->peer != NULL && pair_waits (pair.first))
    (pair.is_overtaken ? pair_overtake : pair_wait) (world, &pair);
  sim_world_close_peers (world);
  sim_check_names (world);
  if (sim_view_is_ready (pair.first))
    pair_disconnect (world, pair.first, pair.second);
  else if (sim_view_is_ready (pair.second))
    pair_disconnect (world, pair.second, pair.first);
  pair_end (world, client);
}

void
sim_pair_run (SimWorld *world)
{
  SimClient *client;

  if (!world->has_pairs || !sim_chance (&world->aside, 2) || sim_world_failed (world))
    return;
  client = &world->clients[sim_below (&world->aside, SIM_CLIENTS)];
  if (client->peer != NULL && client->is_ready && !bus_peer_is_closing (client->peer) && !sim_view_is_full (client))
    pair_run (world, client);
}

void
sim_pair_ending (SimWorld *world, SimClient *client)
{
  for (guint i = 0; i < SIM_RIVALS; i++)
    if (client == &world->rivals[i] && !client->is_known && sim_view_is_taken_over (client))
      sim_rival_note (world, client);
}
