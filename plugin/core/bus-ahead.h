/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-preread.h"
#include "peer/bus-peer.h"
#include "route/bus-match.h"

/*
 * Prefetch: loads into the processor's cache the memory that the next frames of a read will need, while the frames in front of
 * them are handled.
 *
 * With many subscriptions, the match of a topic and its subscriptions are usually not in the cache, and each message waits for
 * one load after the other: the cell of the hash table, the match that the cell points to, the subscription that the match points
 * to, its records. The credit of a subscription waits for the subscription, its records, and the record of the sent message. This
 * module starts these loads some frames ahead, one step for each frame that is handled: the cell 15 frames before it is needed,
 * the match or the subscription 9 frames before, the objects that these point to 6 frames before, the record 4 frames before, the
 * records of the subscription of the match 2 frames before. The ticket is usually in the cache, because many messages share it.
 * This module reads the frames early; bus-dispatch uses the values that it has read (bus-preread).
 *
 * A client that publishes to one topic, or has few subscriptions, uses the same memory again, independent of the subscriptions of
 * others. Therefore the loads begin at the first frame only for a client with many subscriptions of its own, and otherwise after
 * the first message of the read whose topic differs from the one before.
 *
 * Invariant: it only reads and prefetches, and changes no state. Handling a frame may free what a noted address points to. Each
 * such change increases a counter, and an address that was noted before it is not used any more.
 */

#define BUS_AHEAD_MIN_SUBSCRIPTIONS 2048u /* fewer subscriptions stay in the cache without help */
#define BUS_AHEAD_MIN_OWN           64u   /* subscriptions of the client */
#define BUS_AHEAD_FRAMES            16u   /* a power of two */
#define BUS_AHEAD_CELL              15u   /* frames ahead: loads the cell of the hash table */
#define BUS_AHEAD_ITEM              9u    /* frames ahead: loads the match or the subscription */
#define BUS_AHEAD_BEHIND            6u /* frames ahead: loads the receivers of the match, or the records of the subscription */
#define BUS_AHEAD_RECORD            4u /* frames ahead: loads the first record */
#define BUS_AHEAD_LAST              2u /* frames ahead: loads the records of the subscription of the match */

/* The match of a publish, or the subscription of a credit; both NULL: not known. */
typedef struct
{
  const BusMatch *match;
  const BusSubscription *subscription;
} BusAheadItem;

typedef struct
{
  BusPeer *peer;
  gboolean is_useful; /* there are many subscriptions */
  gboolean is_on;
  guint64 first_serial; /* of the match of the last message before this read */
  WireSpan rest;        /* frames that were not examined yet */
  guint n;              /* number of examined frames */
  BusPreread *current;  /* values of the frame that is handled, if its member body is the body of this frame */
  guint64 changes;      /* the number of changes up to which the addresses of the items are valid */
  BusAheadItem items[BUS_AHEAD_FRAMES];
  BusPreread frames[BUS_AHEAD_FRAMES];
} BusAhead;

void bus_ahead_init (BusAhead *ahead, BusPeer *peer);
void bus_ahead_load (BusAhead *ahead, WireSpan input);

static inline gboolean
bus_ahead_is_wanted (BusAhead *ahead)
{
  if (G_UNLIKELY (ahead->is_useful) && !ahead->is_on)
    ahead->is_on = ahead->peer->recent_serial != ahead->first_serial;
  return ahead->is_on;
}

/* Call it before each frame is handled. @input: the bytes behind that frame */
static inline void
bus_ahead_step (BusAhead *ahead, WireSpan input)
{
  if (G_UNLIKELY (bus_ahead_is_wanted (ahead)))
    bus_ahead_load (ahead, input);
  else
    bus_preread_forget (ahead->current);
}
