/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-kept-frame.h"
#include "session/deye-bus-losses.h"

/*
 * The stash: publishes that a client accepts while it is not connected, and those that it accepted before and of which no byte
 * was written when the connection ended. They are sent when the client is ready again.
 *
 * Calls that wait for an answer are not put here. When the stash is full, its
 * class decides about a message: for tasks.* and results.* there is only the room that is left or that older events give up,
 * otherwise the call is refused; of health messages only the latest of each topic is kept; of other messages the oldest is
 * dropped. The time to live of a message keeps running. Dropped messages are counted, also by topic.
 *
 * The stash reads no clock and sends nothing.
 *
 * Invariant: at most DEYE_BUS_STASH_MAX_MESSAGES messages and DEYE_BUS_STASH_MAX_BYTES bytes wait.
 */

#define DEYE_BUS_STASH_MAX_MESSAGES 8192u
#define DEYE_BUS_STASH_MAX_BYTES    (1u << 20)

typedef struct
{
  GQueue messages; /* of DeyeBusKeptFrame */
  gsize bytes;
  guint64 lost;         /* dropped, and not reported to the program yet */
  DeyeBusLosses losses; /* the same, and not reported to subscribers yet */
} DeyeBusStash;

/* Copies @call. @largest_payload: of the broker; 0: not known. @number: see DeyeBusKeptFrame. FALSE: refused. */
gboolean deye_bus_stash_put (DeyeBusStash *stash,
                             const DeyeBusCall *call,
                             guint64 largest_payload,
                             guint64 number,
                             gint64 now_us,
                             GError **error);
/* Takes a message that was accepted before. FALSE: there is no room, and it counts as lost. */
gboolean deye_bus_stash_keep (DeyeBusStash *stash, DeyeBusKeptFrame *frame);
/* The connection ended at @now_us: the times of messages that were accepted before count from now on. */
void deye_bus_stash_start_clock (DeyeBusStash *stash, gint64 now_us);
/* Drops messages that have expired. */
void deye_bus_stash_expire (DeyeBusStash *stash, gint64 now_us);
/* The oldest message; NULL: there is none. */
const DeyeBusKeptFrame *deye_bus_stash_first (const DeyeBusStash *stash);
/* Takes the oldest message. NULL: there is none. */
DeyeBusKeptFrame *deye_bus_stash_take (DeyeBusStash *stash);
/* A message that was taken is lost. */
void deye_bus_stash_lose (DeyeBusStash *stash, const DeyeBusKeptFrame *frame);
/* Drops all messages without counting them. */
void deye_bus_stash_clear (DeyeBusStash *stash);

static inline guint
deye_bus_stash_count (const DeyeBusStash *stash)
{
  return stash->messages.length;
}
