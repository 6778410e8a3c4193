/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-credit.h"
#include "route/bus-retain.h"

/*
 * Catching up: a new plain subscription first gets the retained messages that match it, then the messages that were published
 * after it was made.
 *
 * A subscription that catches up has a cursor over the store (bus-retain): the accept sequence of the value that it visited last.
 * Values are read from the store and encoded when the subscription has credit and the connection has room. They are not queued, so
 * a value that is replaced or cleared before the cursor reaches it is not delivered, and no gap reports it. Values are delivered
 * in the order of acceptance, up to the sequence of the subscribe request. Messages that are accepted later are live messages:
 * they wait in the FIFO of the subscription until the cursor has reached its end, so that none overtakes an older retained value
 * of its topic. So a topic whose value is replaced in front of the cursor is delivered once, as the live message that replaced the
 * value.
 *
 * Behind the last value the client gets the *end* of the retained messages: a DELIVER without a message. SubscribeReply announces
 * it.
 *
 * The right to receive a topic is checked for each value when it is delivered. A cursor visits a bounded number of values at
 * a time, and continues by a timer, so that a large store does not delay other peers. Members of groups and subscriptions
 * that serve get no retained messages.
 *
 * Invariant: a subscription has a cursor until the end of its retained messages is encoded; it gets no live message before that.
 */

#define BUS_CATCHUP_STEP  256u /* places in the store that all cursors of a peer visit at a time */
#define BUS_CATCHUP_FIRST 32u  /* the same for the first time after the reply */

/* Gives a new subscription a cursor if it has to catch up. @accept_seq: of the subscribe request. TRUE: it has a cursor; call
 * bus_catchup_begin() once the reply to the request is encoded. */
gboolean bus_catchup_start (BusSubscription *subscription, guint64 accept_seq);

/* Moves the cursors of the peer a little. The reply and these values are sent at once, so the client wakes up and handles them
 * while the broker encodes the next ones: bus_core_sent() moves the cursors on. */
void bus_catchup_begin (BusPeer *peer, gint64 now_us);

/* Frees the cursor of a subscription, if it has one. */
void bus_catchup_end (BusSubscription *subscription);

/* A subscription with a cursor got credit. While bytes of its peer wait to be sent, the credit does not move its cursor:
 * bus_core_sent() does. So a read with the credit for many values does not encode all of them before the first one is sent, and the
 * next values reuse the memory of those that were sent. */
void bus_catchup_credit (BusSubscription *subscription, gint64 now_us);

/* Moves the cursors of the peer: bytes of the peer were sent, or a timer of it has expired. */
void bus_catchup_continue (BusPeer *peer, gint64 now_us);
