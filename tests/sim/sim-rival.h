/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Newcomers for the id of a client: connections that say HELLO with an id that another connection has. sim-rival lets one come,
 * sim-pair two at once. A newcomer is connected within one step only, unless it becomes the connection of the client.
 */

typedef enum
{
  RIVAL_SAME_PROCESS,
  RIVAL_OTHER_PROCESS,
  RIVAL_OTHER_ACCOUNT,
  RIVAL_OTHER_TOKEN,
  RIVAL_OTHER_SOCKET, /* the agent's own connection, or none of it */
  RIVAL_N_WHO
} RivalWho;

typedef enum
{
  RIVAL_EQUAL,
  RIVAL_NEWER,
  RIVAL_OLDER,
  RIVAL_N_INCARNATIONS
} RivalIncarnation;

/* Connects a newcomer, and puts its HELLO into its stream. @same_as: (nullable): it is the same client object as this
 * newcomer, whatever @incarnation */
void sim_rival_connect (SimWorld *world,
                        const SimClient *client,
                        SimClient *rival,
                        RivalWho who,
                        RivalIncarnation incarnation,
                        const SimClient *same_as);
void sim_rival_say_hello (SimWorld *world, SimClient *rival);
/* It says HELLO and is the same client object as @client, which ends. */
void sim_rival_take_at_once (SimWorld *world, SimClient *client, SimClient *rival);
/* The client sends something, which is an answer to PING. */
void sim_rival_answer (SimWorld *world, SimClient *client);

/* The broker has accepted it. */
void sim_rival_note (SimWorld *world, SimClient *rival);
/* It has the id of @client, which is gone, and becomes the connection of @client. */
void sim_rival_stay (SimWorld *world, SimClient *client, SimClient *rival);
void sim_rival_leave (SimWorld *world, SimClient *rival);

/* --- sim-pair --- */

/* Once in each step. */
void sim_pair_run (SimWorld *world);
/* The connection ends. If it is a newcomer that the broker had accepted, and another newcomer took the id over in the same
 * moment, it is noted first. */
void sim_pair_ending (SimWorld *world, SimClient *client);
