/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * Loads into the cache what the next frames of a read will need, while the frames in front of them are handled.
 *
 * With many subscriptions each message finds its match and its subscription in memory that was not touched for long, and waits
 * for one load after the other. So some frames ahead the cell of the table is loaded, then what it points to, and then what that
 * points to. It changes nothing, and keeps no address from one frame to the next.
 */

#define BUS_AHEAD_MIN_SUBSCRIPTIONS 2048u /* fewer stay in the cache */
#define BUS_AHEAD_FRAMES            8u    /* a power of two */
#define BUS_AHEAD_CELL              7u    /* frames in front of the one that is handled: the cell is loaded, */
#define BUS_AHEAD_ITEM              4u    /* the match or the subscription, */
#define BUS_AHEAD_RECEIVERS         2u    /* and the subscription of the match */

typedef struct
{
  guint64 hash;         /* of its topic; 0: it is not known */
  guint32 subscription; /* of a CREDIT; 0: it is none */
} BusAheadFrame;

typedef struct
{
  BusPeer *peer;
  gboolean is_on;
  WireSpan rest; /* frames that were not examined */
  guint n;       /* that were */
  BusAheadFrame frames[BUS_AHEAD_FRAMES];
} BusAhead;

void bus_ahead_init (BusAhead *ahead, BusPeer *peer);
void bus_ahead_look (BusAhead *ahead, WireSpan input);

/* Before a frame is handled. @input: what follows it. */
static inline void
bus_ahead_step (BusAhead *ahead, WireSpan input)
{
  if (G_UNLIKELY (ahead->is_on))
    bus_ahead_look (ahead, input);
}
