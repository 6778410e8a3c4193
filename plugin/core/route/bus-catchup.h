/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-retain.h"

/*
 * Catching up: a new plain subscription first gets the retained messages that match it, then what was published after
 * it.
 *
 * A subscription that catches up has a cursor over the store (bus-retain): the accept sequence that it has come to. Values
 * are read from the store and encoded as the subscription has credit and the connection has room; nothing is queued for
 * it, so a value that is replaced or cleared before the cursor reaches it is not delivered, and no gap contains one. They
 * are delivered in the order of acceptance, up to the sequence of the subscription itself: what was accepted later reaches
 * the subscription as any message does. Those later messages wait in its FIFO until the cursor has come to its end, so no
 * message overtakes an older retained value of its topic. A value that is replaced on the way is therefore delivered once:
 * the new one, as the live message that replaced it.
 *
 * When the cursor has come to its end, the client gets a DELIVER without a message behind the values, the *end* of the
 * retained messages. SubscribeReply says that one follows.
 *
 * The right to receive a topic is asked for each value when it is delivered. A cursor visits a bounded number of values in
 * one input call, and continues by a timer, so that a large store delays nobody. Groups and subscriptions that serve get
 * no retained messages.
 *
 * Invariant: a subscription has a cursor while a value may still be ahead of it; without one, this module does nothing
 * for it.
 */

#define BUS_CATCHUP_STEP 512u /* values that a peer's cursors visit in one input call */

/* A subscription was filed; @accept_seq: of the request that made it. TRUE: it has a cursor, which begins to move with
 * bus_catchup_continue(), behind the answer to the request. */
gboolean bus_catchup_start (BusSubscription *subscription, guint64 accept_seq);

/* The subscription ends: its cursor ends with it. */
void bus_catchup_end (BusSubscription *subscription);

/* The subscription, which has a cursor, got credit. */
void bus_catchup_credit (BusSubscription *subscription, gint64 now_us);

/* Bytes of the peer were sent, or its timers allow it to continue. */
void bus_catchup_continue (BusPeer *peer, gint64 now_us);
