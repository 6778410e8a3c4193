/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * Takeover: a connection (the newcomer) sends HELLO with an id that another connection (the holder) has.
 *
 * The holder may be dead without the broker knowing it: its process hangs, or its client object has reconnected before the broker
 * saw the end of the old socket. So the broker compares the two connections:
 *  - The same client object (account, pid, incarnation and token are equal) takes over at once.
 *  - Another client of the same account with the same token takes over if the holder does not answer a PING within
 *    BUS_TAKEOVER_PATIENCE_US. Any frame of the holder is an answer.
 *  - Any other client is refused.
 * It does not matter which incarnation is larger. Until launch tokens exist, one account is one trust domain: each process of an
 * account can take over the id of another process of that account, if that process hangs.
 *
 * While it waits, the newcomer keeps its HELLO and is listed at the holder. When bus-core has released the holder, for any
 * reason, it resumes the newcomers: first one of the same client object, then the others in order. Each HELLO is handled again
 * from the beginning. A newcomer waits no longer than the deadline for HELLO.
 *
 * Invariant: a newcomer that a holder lists is in the state WAITING or CLOSING; a holder that lists newcomers has its timer armed,
 * or is in the state CLOSING.
 */

#define BUS_TAKEOVER_PATIENCE_US G_TIME_SPAN_SECOND

typedef enum
{
  BUS_TAKEOVER_REFUSED,
  BUS_TAKEOVER_AT_ONCE,
  BUS_TAKEOVER_IF_SILENT,
} BusTakeoverRule;

/* Decides whether the newcomer may take the id over. @incarnation, @token: of its HELLO; the token as a digest */
BusTakeoverRule bus_takeover_rule (const BusPeer *holder,
                                   const BusPeer *newcomer,
                                   guint64 incarnation,
                                   const guint8 token[BUS_TOKEN_DIGEST]);

/* Lists the newcomer at the holder and keeps its HELLO. @rule: with AT_ONCE the holder is closed, with IF_SILENT it gets PING.
 * FALSE: there is no memory for the HELLO. */
gboolean bus_takeover_begin (BusPeer *holder, BusPeer *newcomer, BusTakeoverRule rule, WireSpan hello);

/* A holder that was asked by PING has sent a frame: closes all its newcomers with DUPLICATE_ID. */
void bus_takeover_answered (BusPeer *holder);

/* The holder did not answer in time: closes it with TAKEN_OVER. */
void bus_takeover_due (BusPeer *holder);

/* The newcomer to be resumed next, after the holder has been released. NULL: none waits any more. */
BusPeer *bus_takeover_next (BusPeer *holder);

/* The newcomer ends, or its HELLO is handled again: removes it from the list of its holder, if it is in one, and returns
 * its HELLO. (transfer full) (nullable) */
guint8 *bus_takeover_withdraw (BusPeer *newcomer, gsize *len);

static inline gboolean
bus_takeover_is_asked (const BusPeer *holder)
{
  return bus_deadline_is_armed (&bus_peer_extra (holder)->takeover_timer.deadline);
}
