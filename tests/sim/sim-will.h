/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * The model of last messages: the message that a client leaves with the broker, to be published when its connection ends.
 * Clients leave one, replace it, remove it, and try to leave one that is refused; some send GOODBYE.
 *
 * A last message is due at the end of its connection, once, unless the client has sent GOODBYE, the broker ends, or another
 * connection takes the id over. For the models of subscribers and of retained messages it is then a message like any other.
 * check-will checks the time at which the broker publishes it.
 *
 * Last messages have topics of their own, so that the other models need not know which of two messages came first.
 */

typedef struct
{
  gboolean is_left;
  gboolean sent_goodbye;
  gboolean was_published;
  gboolean was_replaced; /* it was published because another connection wanted the id */
  const char *topic;     /* static */
  guint64 number;        /* in its payload */
  gsize payload_len;
  gboolean retain;
} SimWill;

struct SimWills
{
  SimWill wills[SIM_CLIENTS + SIM_RIVALS]; /* the last places belong to the rivals, which leave no message */
  gboolean is_stopping;                    /* the broker ends */
  guint64 published;                       /* number of published ones */
  guint64 offered;                         /* times that one was offered to a subscription or group */
  GHashTable *calls;                       /* connection and id of a call -> SimWillAnswer */
  GHashTable *incarnations;                /* number of a published one -> incarnation of its client */
};

SimWills *sim_wills_new (void);
void sim_wills_free (SimWills *wills);

SimWill *sim_will_of (const SimWorld *world, const SimClient *client);

/* --- operations --- */

void sim_will_run (SimWorld *world, SimClient *client);
void sim_will_send_goodbye (SimWorld *world, SimClient *client);

/* --- input of the broker --- */

/* The call has reached the broker. */
void sim_will_reached (SimWorld *world, const SimClient *client, const SimFrame *frame);
/* The broker is about to get GOODBYE from the client. */
void sim_will_goodbye (SimWorld *world, const SimClient *client);
/* The broker is about to end. */
void sim_will_shut_down (SimWorld *world);
/* The broker knows that the connection has ended. */
void sim_will_gone (SimWorld *world, const SimClient *client);

/* TRUE if the broker has to publish the last message of the client when its connection ends now. */
gboolean sim_will_is_due (const SimWorld *world, const SimClient *client);

/* --- output of the broker --- */

/* The client received a REPLY, or an ERROR (@is_error). */
void sim_will_answered (const SimClient *client, const WireEnvelope *envelope, gboolean is_error);
/* The client received the message of that number. */
void sim_will_came (const SimClient *client, guint64 number, const WireEnvelope *envelope);
