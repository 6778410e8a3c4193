/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"
#include "route/bus-request.h"

/*
 * Requests to many: one *question* of a requester, and for each server that is asked one request of its own, a *member* of the
 * question.
 *
 * Every peer that serves the topic is asked once. A member ends with its final reply, or it fails: the server cancels,
 * disconnects, stops serving, or its queue is full. The requester gets each reply with the id of its request in `answers` and the
 * id of the server as sender. The frame that ends a member also has the counts asked, answered and failed. A failure is a REPLY
 * with a status; a reply that a server itself sends with a status counts as a failure, too.
 *
 * The question ends when enough members have answered, when no member is left, when the pause between two replies is too long, or
 * at its deadline. Then the requester gets one end frame: a final REPLY of the sender "bus" with the counts. Members that have not
 * ended by then are cancelled. (If the requester has no room for a reply, it gets an ERROR instead of the end frame.)
 *
 * Failures are counted at the end of the input call, from the list of ended requests (bus_many_settle()), so that no request is
 * freed while a caller still uses it.
 *
 * Invariant: asked = answered + failed + the members that have not ended.
 */

#define BUS_MANY_ALL G_MAXUINT32 /* as the number of answers that end the question: one from every member */

/* Asks each of the servers. The field `expect` of the request is the number of answers that end the question. @servers:
 * (element-type BusSubscription): at least one, of different ready peers. Returns the number of servers that have room for the
 * request */
guint bus_many_ask (BusCore *core,
                    const BusRequester *requester,
                    BusInbound *inbound,
                    GPtrArray *servers,
                    gint64 due_us,
                    gint64 now_us);

/* Handles a reply of a member. @flags: of its frame. FALSE: the member may not answer now. */
gboolean bus_many_reply (BusCore *core, BusRequest *member, BusInbound *inbound, guint8 flags, gint64 now_us);

/* The deadline of a question has passed. */
void bus_many_expire (BusCore *core, BusRequest *question, gint64 now_us);

/* The longest pause between two replies, which the requester set, has passed. */
void bus_many_stall (BusCore *core, BusRequest *question, gint64 now_us);

/* Counts and reports the members that have failed since the last call. FALSE: there was none. */
gboolean bus_many_settle (BusCore *core, gint64 now_us);
