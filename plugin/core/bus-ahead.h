/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-preread.h"
#include "peer/bus-peer.h"

/*
 * Prefetch: loads into the processor's cache the memory that the next frames of a read will need, while the frames in front of
 * them are handled.
 *
 * With many subscriptions, the match of a topic and its subscriptions are usually not in the cache, and each message waits for
 * one load after the other: the cell of the hash table, the match that the cell points to, the subscription that the match points
 * to. This module starts these loads some frames ahead, one step for each frame that is handled: the cell 7 frames before it is
 * needed, the match 4 frames before, the subscription 2 frames before. So it reads frames before they are handled, and their
 * handler uses the values (bus-preread).
 *
 * Invariant: it only reads and prefetches. It changes no state, and it looks up every address again in each step, because
 * handling a frame may free what an address pointed to.
 */

#define BUS_AHEAD_MIN_SUBSCRIPTIONS 2048u /* fewer subscriptions stay in the cache without help */
#define BUS_AHEAD_FRAMES            8u    /* a power of two */
#define BUS_AHEAD_CELL              7u    /* distance to the frame that is handled: its cell is loaded, */
#define BUS_AHEAD_ITEM              4u    /* the match or the subscription, */
#define BUS_AHEAD_RECEIVERS         2u    /* and the subscription of the match */

typedef struct
{
  BusPeer *peer;
  gboolean is_on;
  WireSpan rest;       /* frames that were not examined yet */
  guint n;             /* number of examined frames */
  BusPreread *current; /* of the frame that is handled, unless it does not contain its body */
  BusPreread frames[BUS_AHEAD_FRAMES];
} BusAhead;

void bus_ahead_init (BusAhead *ahead, BusPeer *peer);
void bus_ahead_look (BusAhead *ahead, WireSpan input);

/* Call it before each frame is handled. @input: the bytes behind that frame */
static inline void
bus_ahead_step (BusAhead *ahead, WireSpan input)
{
  if (G_UNLIKELY (ahead->is_on))
    bus_ahead_look (ahead, input);
  else
    bus_preread_forget (ahead->current);
}
