/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-kept-frame.h"
#include "session/deye-bus-losses.h"

/*
 * The stash: publishes that a client accepts while it is not connected, and publishes that it accepted before and of which no
 * byte was written when the connection ended. They are sent when the client is ready again.
 *
 * The stash contains no calls that wait for an answer. Of health messages it keeps only the latest of each topic. A message of
 * the class must-keep (tasks.* and results.*) is never dropped while its time to live runs. When the stash is full, the oldest
 * messages of other classes are dropped until there is room for the new one; if there would still be no room, the new one is
 * refused. For example: if the stash is full of results, a publish to events.* fails at once, and so does another result; if
 * one half are events, a result makes room by dropping the oldest of them. The time to live of a message keeps running. Dropped
 * messages are counted, also by topic.
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
  guint64 lost;         /* number of dropped messages that were not reported to the program yet */
  DeyeBusLosses losses; /* dropped messages that were not reported to subscribers yet */
} DeyeBusStash;

/* Adds a copy of @call. @largest_payload: the broker's limit; 0: not known. @number: see DeyeBusKeptFrame. FALSE: refused. */
gboolean deye_bus_stash_put (DeyeBusStash *stash,
                             const DeyeBusCall *call,
                             guint64 largest_payload,
                             guint64 number,
                             gint64 now_us,
                             GError **error);
/* Takes a message that was accepted before. FALSE: there is no room, and the message counts as lost. */
gboolean deye_bus_stash_keep (DeyeBusStash *stash, DeyeBusKeptFrame *frame);
/* The connection ended at @now_us: the time to live of messages that were accepted before runs from now on. */
void deye_bus_stash_start_clock (DeyeBusStash *stash, gint64 now_us);
/* Drops messages that have expired. */
void deye_bus_stash_expire (DeyeBusStash *stash, gint64 now_us);
/* The oldest message; NULL: there is none. */
const DeyeBusKeptFrame *deye_bus_stash_first (const DeyeBusStash *stash);
/* Takes the oldest message. NULL: there is none. */
DeyeBusKeptFrame *deye_bus_stash_take (DeyeBusStash *stash);
/* Counts a message that was taken and could not be sent as lost. */
void deye_bus_stash_lose (DeyeBusStash *stash, const DeyeBusKeptFrame *frame);
/* Drops all messages without counting them. */
/* Sorts the messages by their numbers, that is in the order in which the program published them. */
void deye_bus_stash_sort (DeyeBusStash *stash);
void deye_bus_stash_clear (DeyeBusStash *stash);

static inline guint
deye_bus_stash_count (const DeyeBusStash *stash)
{
  return stash->messages.length;
}
