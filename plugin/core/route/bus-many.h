/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"
#include "route/bus-request.h"

/*
 * Requests to many: one question, a request of its own for each server that was asked (a member), and one end.
 *
 * Every server of the topic is asked, each peer once. A member ends with its final reply, or fails: it cancels, disconnects,
 * stops serving, or its queue is full. The requester gets each reply with its own id in `answers` and the member's id as
 * sender; the frame that ends a member also has the counts asked, answered and failed. A failure is a REPLY with a status.
 * A reply with a status counts as a failure, too.
 *
 * The question ends when enough members have answered, when none is left, when the pause between two replies is too long, or
 * at its deadline. Then one end frame follows: a final REPLY of the sender "bus" with the counts. Members that have not
 * ended by then are cancelled. (An ERROR takes the place of the end frame when the requester cannot take a reply.)
 *
 * Failures are counted at the end of the input call, from the list of ended requests (bus_many_settle()), so nothing is
 * freed under the caller's feet.
 *
 * Invariant: asked = answered + failed + the members that have not ended.
 */

#define BUS_MANY_ALL G_MAXUINT32 /* as the number of answers that are wanted: one of every member */

/* Asks each of the servers; `expect` of the request is the number of answers after which the question ends. @servers:
 * (element-type BusSubscription): of different ready peers, at least one. Returns how
 * many of them have room for the request */
guint bus_many_ask (BusCore *core,
                    const BusRequester *requester,
                    BusInbound *inbound,
                    GPtrArray *servers,
                    gint64 due_us,
                    gint64 now_us);

/* A reply of a member. @flags: of its frame. FALSE: the member may not answer now. */
gboolean bus_many_reply (BusCore *core, BusRequest *member, BusInbound *inbound, guint8 flags, gint64 now_us);

/* The deadline of a question came. */
void bus_many_expire (BusCore *core, BusRequest *question, gint64 now_us);

/* No reply came for as long as the requester allows between two. */
void bus_many_stall (BusCore *core, BusRequest *question, gint64 now_us);

/* Counts the members that have failed. FALSE: there was none. */
gboolean bus_many_settle (BusCore *core, gint64 now_us);
