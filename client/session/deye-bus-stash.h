/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"

/*
 * The stash: publishes that a client accepts while it is not connected, until it is ready again.
 *
 * Only publishes of which nothing was sent are put here; calls that wait for an answer are not. When the stash is full, its
 * class decides about a message: for tasks.* and results.* there is only the room that is left or that older events give up,
 * otherwise the call is refused; of health messages only the latest of each topic is kept; of other messages the oldest is
 * dropped. The time to live of a message keeps running. Whatever is dropped is counted.
 *
 * The stash reads no clock and sends nothing.
 *
 * Invariant: at most DEYE_BUS_STASH_MAX_MESSAGES messages and DEYE_BUS_STASH_MAX_BYTES bytes wait.
 */

#define DEYE_BUS_STASH_MAX_MESSAGES 8192u
#define DEYE_BUS_STASH_MAX_BYTES    (1u << 20)

typedef struct
{
  DeyeBusCall call; /* its texts, payload and options belong to the message */
  WireClass credit_class;
  gint64 since_us;
  gsize bytes;
} DeyeBusStashed;

/* Copies @call, whose frame has @bytes. */
DeyeBusStashed *deye_bus_stashed_new (const DeyeBusCall *call, WireClass credit_class, gsize bytes, gint64 now_us);
void deye_bus_stashed_free (DeyeBusStashed *stashed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusStashed, deye_bus_stashed_free)

/* Takes the time that has passed off its time to live. FALSE: it has expired. */
gboolean deye_bus_stashed_age (DeyeBusStashed *stashed, gint64 now_us);

typedef struct
{
  GQueue messages; /* of DeyeBusStashed */
  gsize bytes;
  guint64 lost; /* dropped, and not reported yet */
} DeyeBusStash;

/* Copies @call. @largest_payload: of the broker; 0: not known. FALSE: refused. */
gboolean deye_bus_stash_put (DeyeBusStash *stash,
                             const DeyeBusCall *call,
                             guint64 largest_payload,
                             gint64 now_us,
                             GError **error);
/* Takes the oldest message that has not expired, with the rest of its time to live. NULL: there is none. */
DeyeBusStashed *deye_bus_stash_take (DeyeBusStash *stash, gint64 now_us);
/* Drops all messages without counting them. */
void deye_bus_stash_clear (DeyeBusStash *stash);

static inline guint
deye_bus_stash_count (const DeyeBusStash *stash)
{
  return stash->messages.length;
}
