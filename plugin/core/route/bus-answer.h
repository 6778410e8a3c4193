/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"
#include "route/bus-request.h"

/*
 * The way of a request to its responder, and of each reply back to the requester: its lane, and its place behind the
 * replies before it.
 *
 * A reply needs no subscription. Its lane follows from the request's topic and the size of its payload, but once a reply of
 * a request (for a request to many: of any member) was passed on in the data lane, all later ones are, so that no small
 * reply overtakes a large one. The credit class stays by size. When the requester gave its replies a window, those beyond it
 * wait (bus-stream). bus-many decides when a request to many has ended.
 *
 * Invariant: replies are passed on in the order in which they arrived.
 */

typedef enum
{
  BUS_ANSWER_PASSED, /* to the queue of the requester */
  BUS_ANSWER_WAITS,  /* for the window of the requester */
  BUS_ANSWER_FULL,   /* there is no room: the request failed, and was freed */
} BusAnswerResult;

/* Takes the window and the longest pause from the REQUEST of a peer that has the feature STREAM. */
void bus_answer_prepare (BusRequest *question, const WireEnvelope *envelope);

/* Sends the request, which has just been made, to its responder. FALSE: there is no room, and the request has failed. @server: a
 * subscription of the responder */
gboolean bus_answer_send_request (BusCore *core,
                                  BusRequest *request,
                                  BusInbound *inbound,
                                  BusSubscription *server,
                                  gint64 now_us);

/* Passes a reply from the route @route on to the requester of @question. @delivery: kind, flags and counts; the rest is filled
 * in. */
BusAnswerResult bus_answer_pass (BusCore *core,
                                 BusRequest *question,
                                 guint64 route,
                                 BusInbound *inbound,
                                 const BusDelivery *delivery,
                                 gint64 now_us);

/* The same for a frame of the broker's own. @fields: status, detail and the like. @sender: an id */
BusAnswerResult bus_answer_own (BusCore *core,
                                BusRequest *question,
                                const char *sender,
                                const WireEnvelope *fields,
                                const BusDelivery *delivery,
                                gint64 now_us);

/* A reply to a request that is no question and no member of one. @flags: of its frame. FALSE: the responder may not answer
 * now. */
gboolean bus_answer_reply (BusCore *core, BusRequest *request, BusInbound *inbound, guint8 flags, gint64 now_us);

/* The requester returned credit for the replies: totals. */
BusWindowResult bus_answer_credit (BusCore *core, BusRequest *question, guint64 messages, guint64 bytes, gint64 now_us);

/* The block timer of the window expired: the request fails when the requester has returned nothing for too long. */
void bus_answer_block_due (BusCore *core, BusRequest *question, gint64 now_us);

/* The longest pause is over. FALSE: replies wait for the requester, so the responders are not late; the next pause begins when
 * the requester has got them. */
gboolean bus_answer_is_stalled (const BusRequest *question);
