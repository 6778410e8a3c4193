/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * Takeover: a connection says HELLO with an id that another connection has.
 *
 * The older connection may be dead without the broker knowing: its process hangs, or its client object has reconnected
 * before the broker saw the end of the old socket. So the broker compares the two. The same client object (account, pid,
 * incarnation and token are equal) takes over at once. Another client of the same account takes over if the older
 * connection does not answer a PING within BUS_TAKEOVER_PATIENCE_US; any frame of it is an answer, also the HELLO by
 * which it has just taken the id over itself. Everybody else is refused. The order of incarnations is never used. Until
 * launch tokens exist, one account is one trust domain: every process of an account can take over the id of another process
 * of it that hangs.
 *
 * Meanwhile the newcomer keeps its HELLO and is listed at the older connection, the holder. bus-core resumes the newcomers
 * in order when it has released the holder, whatever ended it, but that of the same client object first; each HELLO is then
 * handled again from the beginning. A newcomer waits no longer than the deadline for HELLO.
 *
 * Invariant: a newcomer is in the state WAITING, or closing, while a holder lists it; the holder has its timer armed, or is
 * closing, while it lists one.
 */

#define BUS_TAKEOVER_PATIENCE_US G_TIME_SPAN_SECOND

typedef enum
{
  BUS_TAKEOVER_REFUSED,
  BUS_TAKEOVER_AT_ONCE,
  BUS_TAKEOVER_IF_SILENT,
} BusTakeoverRule;

/* Decides about the newcomer. @token: digest of the token of its HELLO */
BusTakeoverRule bus_takeover_rule (const BusPeer *holder,
                                   const BusPeer *newcomer,
                                   guint64 incarnation,
                                   const guint8 token[BUS_TOKEN_DIGEST]);

/* Lists the newcomer at the holder and keeps its HELLO. @rule: AT_ONCE closes the holder, IF_SILENT asks it.
 * FALSE: there is no memory for the HELLO. */
gboolean bus_takeover_begin (BusPeer *holder, BusPeer *newcomer, BusTakeoverRule rule, WireSpan hello);

/* A frame of a holder that was asked arrived: all its newcomers are closed with DUPLICATE_ID. */
void bus_takeover_answered (BusPeer *holder);

/* The holder did not answer in time: it is closed with TAKEN_OVER. */
void bus_takeover_due (BusPeer *holder);

/* The holder has been released: the newcomer that is to be resumed next. NULL: none waits any more. */
BusPeer *bus_takeover_next (BusPeer *holder);

/* The newcomer ends, or its HELLO is handled again: takes it out of the list of its holder, if it is in one, and returns
 * its HELLO. (transfer full) (nullable) */
guint8 *bus_takeover_withdraw (BusPeer *newcomer, gsize *len);

static inline gboolean
bus_takeover_is_asked (const BusPeer *holder)
{
  return bus_deadline_is_armed (&bus_peer_extra (holder)->takeover_timer.deadline);
}
