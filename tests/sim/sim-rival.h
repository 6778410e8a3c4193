/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Newcomers: connections that send HELLO with an id that another connection has. sim-rival connects one of them, sim-pair two
 * at a time. A newcomer is connected within one step only, unless it takes the id over and so becomes the connection of the
 * client.
 */

typedef enum
{
  RIVAL_SAME_PROCESS,
  RIVAL_OTHER_PROCESS,
  RIVAL_OTHER_ACCOUNT,
  RIVAL_OTHER_TOKEN,
  RIVAL_OTHER_SOCKET, /* the agent's own connection, or an ordinary one */
  RIVAL_N_WHO
} RivalWho;

typedef enum
{
  RIVAL_EQUAL,
  RIVAL_NEWER,
  RIVAL_OLDER,
  RIVAL_N_INCARNATIONS
} RivalIncarnation;

/* Connects a newcomer, and appends its HELLO to its stream. @same_as: (nullable): a newcomer of the same client object,
 * independent of @incarnation */
void sim_rival_connect (SimWorld *world,
                        const SimClient *client,
                        SimClient *rival,
                        RivalWho who,
                        RivalIncarnation incarnation,
                        const SimClient *same_as);
void sim_rival_send_hello (SimWorld *world, SimClient *rival);
/* The newcomer sends HELLO as the same client object as @client, whose connection ends. */
void sim_rival_take_at_once (SimWorld *world, SimClient *client, SimClient *rival);
/* The client sends a frame, which counts as an answer to PING. */
void sim_rival_answer (SimWorld *world, SimClient *client);

/* The broker has accepted the newcomer. */
void sim_rival_note (SimWorld *world, SimClient *rival);
/* The newcomer has taken over the id of @client, which is gone, and becomes its connection. */
void sim_rival_stay (SimWorld *world, SimClient *client, SimClient *rival);
void sim_rival_leave (SimWorld *world, SimClient *rival);

/* --- sim-pair --- */

/* Called once in each step. */
void sim_pair_run (SimWorld *world);
/* A connection ends. If it is a newcomer that the broker had accepted, and another newcomer took its id over at the same time,
 * its acceptance is noted first. */
void sim_pair_ending (SimWorld *world, SimClient *client);
