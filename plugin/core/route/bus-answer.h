/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"
#include "route/bus-request.h"

/*
 * Sends a request to its responder, and passes each reply back to the requester. This module decides the lane and the order of
 * replies.
 *
 * A reply needs no subscription. The topic of the request and the size of the reply's payload decide its lane. But once one
 * reply of a request (for a request to many: of any member) was passed on in the data lane, all later ones are too, so that no
 * small reply in the control lane overtakes a large one. The credit class of a reply always follows its size. If the requester
 * set a window for the replies, the replies beyond it wait (queue/bus-stream). bus-many decides when a request to many has ended.
 *
 * Invariant: replies are passed on in the order in which they arrived.
 */

typedef enum
{
  BUS_ANSWER_PASSED, /* to the queue of the requester */
  BUS_ANSWER_WAITS,  /* for the window of the requester */
  BUS_ANSWER_FULL,   /* there is no room: the request has failed and is freed */
} BusAnswerResult;

/* Sets the window of the replies and the longest pause between them, if the requester has the feature STREAM. @envelope: of its
 * REQUEST */
void bus_answer_prepare (BusRequest *question, const WireEnvelope *envelope);

/* Sends a new request to its responder. FALSE: there is no room, and the request has failed. @server: a subscription of the
 * responder */
gboolean bus_answer_send_request (BusCore *core,
                                  BusRequest *request,
                                  BusInbound *inbound,
                                  BusSubscription *server,
                                  gint64 now_us);

/* Passes a reply that came by the route @route to the requester of @question. @delivery: kind, flags and counts; this function
 * sets the rest. */
BusAnswerResult bus_answer_pass (BusCore *core,
                                 BusRequest *question,
                                 guint64 route,
                                 BusInbound *inbound,
                                 const BusDelivery *delivery,
                                 gint64 now_us);

/* The same for a reply that the broker itself makes. @sender: the id that it carries. @fields: status, detail and the like */
BusAnswerResult bus_answer_own (BusCore *core,
                                BusRequest *question,
                                const char *sender,
                                const WireEnvelope *fields,
                                const BusDelivery *delivery,
                                gint64 now_us);

/* Handles a reply to a request to one server. @flags: of its frame. FALSE: the responder may not answer now. */
gboolean bus_answer_reply (BusCore *core, BusRequest *request, BusInbound *inbound, guint8 flags, gint64 now_us);

/* The requester returned credit for replies. @messages, @bytes: totals */
BusWindowResult bus_answer_credit (BusCore *core, BusRequest *question, guint64 messages, guint64 bytes, gint64 now_us);

/* The block timer of the window has expired: the request fails if its stream is stuck (queue/bus-stream). */
void bus_answer_block_due (BusCore *core, BusRequest *question, gint64 now_us);

/* Call it when the longest pause is over. FALSE: the responders are not late, because replies wait for the requester's credit; the
 * next pause begins when the requester has got them. */
gboolean bus_answer_is_stalled (const BusRequest *question);
