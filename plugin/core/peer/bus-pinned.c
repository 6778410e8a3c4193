/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-pinned.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"

static gsize
pinned_by_frame (const BusPeer *peer)
{
  return bus_peer_has_partial_frame (peer) ? peer->input->charged : 0;
}

static gsize
pinned_by_answers (const BusPeer *peer)
{
  return bus_outq_lane_bytes (&peer->flow.outq, WIRE_LANE_CONTROL);
}

gsize
bus_pinned_bytes (const BusPeer *peer)
{
  return pinned_by_frame (peer) + pinned_by_answers (peer);
}

/* --- the peer to disconnect --- */

static gboolean
pinned_is_considered (const BusPeer *peer, guint32 account)
{
  return bus_peer_is_ready (peer) && (account == BUS_ALL_ACCOUNTS || peer->who.account == account);
}

static gboolean
pinned_stalls (const BusPeer *peer, gint64 now_us)
{
  return pinned_by_frame (peer) >= BUS_PINNED_MIN && now_us - peer->input->frame_since_us >= BUS_PINNED_STALLED_US;
}

/* Adds up the pinned bytes of the peers that are considered, into the member pinned of their accounts. Returns the sum. */
static guint64
pinned_add_up (BusCore *core, guint32 account)
{
  guint64 sum = 0;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    ((BusPeer *) link->data)->account->pinned = 0;
  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      if (!pinned_is_considered (peer, account))
        continue;
      peer->account->pinned += bus_pinned_bytes (peer);
      sum += bus_pinned_bytes (peer);
    }
  return sum;
}

/* TRUE if @peer is disconnected before @other (nullable). If they are equal, the older connection is disconnected first. */
static gboolean
pinned_comes_before (const BusPeer *peer, const BusPeer *other, gint64 now_us)
{
  gboolean stalls = pinned_stalls (peer, now_us);

  if (other == NULL)
    return TRUE;
  if (stalls != pinned_stalls (other, now_us))
    return stalls;
  if (peer->account->pinned != other->account->pinned)
    return peer->account->pinned > other->account->pinned;
  return bus_pinned_bytes (peer) > bus_pinned_bytes (other);
}

BusPeer *
bus_pinned_holder (BusCore *core, guint32 account, guint64 limit, gint64 now_us)
{
  gboolean too_much = pinned_add_up (core, account) > limit / BUS_PINNED_SHARE;
  BusPeer *holder = NULL;

  for (GList *link = core->peers.head; link != NULL; link = link->next)
    {
      BusPeer *peer = link->data;

      if (pinned_is_considered (peer, account) && bus_pinned_bytes (peer) >= BUS_PINNED_MIN
          && (too_much || pinned_stalls (peer, now_us)) && pinned_comes_before (peer, holder, now_us))
        holder = peer;
    }
  return holder;
}

/* --- disconnecting --- */

/*
 * Disconnects a peer so that the larger part of its pinned bytes is free when this function returns.
 *
 * Closing alone would not be enough. bus-core releases the objects of a closed peer only at the end of the input call, but
 * bus-shed calls this function in a loop and compares the memory with the limit after each call: if no memory were free by then,
 * it would disconnect one peer after the other. And the broker is full, so there might be no memory for the frames that explain
 * the end.
 *
 * So the unfinished frame is freed first, and its memory is available for ERROR and GOODBYE. The status depends on the larger part
 * of the pinned bytes. If it is the frame, the peer may still read: it gets LIMIT, with an ERROR that contains setting, limit and
 * value. If it is the control lane, the peer does not read, and an ERROR would be one more frame in that lane: it gets
 * SLOW_CONSUMER, with which bus_peer_close() drops the control lane as well, and only GOODBYE contains the reason.
 */
void
bus_pinned_disconnect (BusPeer *peer, BusLimit limit, guint64 held)
{
  const BusExcess excess = { limit, bus_limit_value (&peer->core->limits, limit), held };
  gboolean reads_too_little = pinned_by_answers (peer) > pinned_by_frame (peer);
  WireStatus status = reads_too_little ? WIRE_STATUS_SLOW_CONSUMER : WIRE_STATUS_LIMIT;
  char detail[160];

  if (reads_too_little)
    g_snprintf (detail, sizeof detail, "%s is reached, and %" G_GSIZE_FORMAT " bytes of answers are not read",
                bus_limit_key (limit).text, pinned_by_answers (peer));
  else
    g_snprintf (detail, sizeof detail,
                "%s is reached, and an unfinished frame holds %" G_GSIZE_FORMAT " bytes: send it without a break",
                bus_limit_key (limit).text, pinned_by_frame (peer));
  if (pinned_by_frame (peer) > 0)
    bus_peer_drop_frame (peer); /* first, so that a full broker has room for the error */
  if (!reads_too_little)
    bus_peer_error_excess (peer, 0, status, detail, &excess);
  bus_peer_close (peer, status, detail);
}
