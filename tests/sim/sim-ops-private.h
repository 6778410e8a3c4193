/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "sim-world.h"

/*
 * The operations of clients, one function each: an operation draws an action at random, and appends a frame to the stream of
 * its client. The table in sim-ops.c gives each operation a weight. An operation that does not fit the state of the client does
 * nothing.
 *
 *   sim-ops-publish    messages
 *   sim-ops-confirm    confirmations of messages, and messages that are sent again
 *   sim-ops-subscribe  subscriptions, their policies and their credit
 *   sim-ops-requests   requests and answers
 *   sim-ops-wait       calls that wait for clients
 *   sim-ops-flood      messages that reach a limit
 *   sim-ops            calls without effect, invalid frames, faults around clients
 */

#define SIM_PAYLOAD_MAX 24000u
#define SIM_SERVED      "health.echo"
#define SIM_SERVE_PLACE (SIM_SUBS - 1)
#define SIM_OTHER_FRAME (&(const SimFrame){ .kind = SIM_FRAME_OTHER })

/* Ids and roots of messages are numbers from 1, and so are stages. */
#define SIM_IDS    12u
#define SIM_STAGES 3u

/* Lets some messages have a number, or wait until they were handled. @flags: of the frame */
void
sim_ops_draw_assurance (SimWorld *world, SimClient *client, SimFrame *frame, WireEnvelope *envelope, guint8 *flags);
/* Lets some messages be held for a group without members; see sim-hold.c. */
void sim_op_draw_hold (SimWorld *world, SimFrame *frame, WireEnvelope *envelope);
/* Calls a method of the broker with that message. */
void sim_ops_call (SimClient *client, const char *topic, const ProtobufCMessage *message, const SimFrame *frame);

/* Publishes one message of @len bytes. @topic: static */
void sim_ops_publish_to (SimWorld *world, SimClient *client, const char *topic, guint len);

void sim_op_publish (SimWorld *world, SimClient *client);
/* Publishes control messages that soon fill a control lane. */
void sim_op_fill_lane (SimWorld *world, SimClient *client);
/* Publishes one message that needs as much room as many others. */
void sim_op_large (SimWorld *world, SimClient *client);
/* Publishes many messages at once, which reach a limit of the broker or of an account. */
void sim_op_flood (SimWorld *world, SimClient *client);
/* Sends the first part of a large frame. The rest follows when the delay of the client is over. */
void sim_op_begin (SimWorld *world, SimClient *client);

/* Confirms a message that was received, or one that another client has received. */
void sim_op_confirm (SimWorld *world, SimClient *client);
/* Sends a message with a number once more. */
void sim_op_resend (SimWorld *world, SimClient *client);

void sim_op_subscribe (SimWorld *world, SimClient *client);
/* Subscribes with policy block and little room, at a free place. @pattern: static */
void sim_ops_subscribe_narrow (SimClient *client, guint place, const char *pattern);
void sim_op_serve (SimWorld *world, SimClient *client);
/* Lets the agent or the tool subscribe to events of the broker. */
void sim_op_watch (SimWorld *world, SimClient *client);
void sim_op_unsubscribe (SimWorld *world, SimClient *client);
void sim_op_adjust (SimWorld *world, SimClient *client);
void sim_op_credit (SimWorld *world, SimClient *client);

/* Waits until a client is connected, watches one or all, or ends such a call. */
void sim_op_wait (SimWorld *world, SimClient *client);

void sim_op_request (SimWorld *world, SimClient *client);
/* Cancels the latest request. The broker may already have answered it. */
void sim_op_cancel (SimWorld *world, SimClient *client);
void sim_op_reply (SimWorld *world, SimClient *client);
/* Declines a request. */
void sim_op_decline (SimWorld *world, SimClient *client);
