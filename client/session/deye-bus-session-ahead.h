/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-channel-table.h"
#include "wire-span.h"

/*
 * Prefetch: loads the channels of the next deliveries of a read into the processor's cache, while the frames in front of them are
 * handled.
 *
 * With many subscriptions the channel of a message is usually not in the cache, and each message would wait for two loads: the
 * cell of the table, and the channel. The cell is loaded 32 frames before it is needed, and the channel about 16 frames before.
 *
 * Invariant: it only reads and prefetches. It looks up each address again, because handling a frame may free a channel.
 */

#define DEYE_BUS_AHEAD_MIN     256u /* fewer channels stay in the cache without help */
#define DEYE_BUS_AHEAD_FRAMES  32u  /* frames ahead: loads the cell of the table; a power of two */
#define DEYE_BUS_AHEAD_CHANNEL 16u  /* frames ahead: loads the channel */

typedef struct
{
  const DeyeBusChannelTable *channels;
  gboolean is_on;
  WireSpan rest;                      /* frames that were not examined yet */
  guint n;                            /* number of examined frames */
  guint32 ids[DEYE_BUS_AHEAD_FRAMES]; /* of the channels of these frames; 0: not found, or not a DELIVER */
} DeyeBusAhead;

static inline void
deye_bus_ahead_init (DeyeBusAhead *ahead, const DeyeBusChannelTable *channels)
{
  ahead->channels = channels;
  ahead->is_on = deye_bus_channel_table_size (channels) >= DEYE_BUS_AHEAD_MIN;
  ahead->rest = wire_span (NULL, 0);
  ahead->n = 0;
}

void deye_bus_ahead_load (DeyeBusAhead *ahead, WireSpan input);

/* Call it before each frame is handled. @input: the bytes behind that frame */
static inline void
deye_bus_ahead_step (DeyeBusAhead *ahead, WireSpan input)
{
  if (ahead->is_on)
    deye_bus_ahead_load (ahead, input);
}
