/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-ahead.h"

#include "wire-peek.h"

static void
ahead_take_delivery (DeyeBusAhead *ahead)
{
  guint32 *id = &ahead->ids[ahead->n++ % DEYE_BUS_AHEAD_FRAMES];
  WireSpan body;
  guint8 kind;

  *id = 0;
  if (!wire_peek_next (&ahead->rest, &kind, &body) || kind != WIRE_KIND_DELIVER)
    return;
  *id = (guint32) wire_peek_subscription (body);
  deye_bus_channel_table_prefetch (ahead->channels, *id);
}

/* Inline, because GCC removes calls of a function that does nothing but prefetch. */
G_ALWAYS_INLINE static inline void
ahead_load_channel (const DeyeBusAhead *ahead, guint at)
{
  const guint32 id = ahead->ids[at % DEYE_BUS_AHEAD_FRAMES];
  const DeyeBusChannel *channel = id != 0 ? deye_bus_channel_table_guess (ahead->channels, id) : NULL;

  if (channel != NULL)
    deye_bus_channel_prefetch (channel);
}

/* Begins a read. No earlier frame gives time to load the channels of the first frames, so all these loads begin at once. */
static void
ahead_begin_read (DeyeBusAhead *ahead, WireSpan input)
{
  ahead->rest = input;
  ahead->n = 0;
  memset (ahead->ids, 0, sizeof ahead->ids);
  for (guint i = 1; i < DEYE_BUS_AHEAD_FRAMES; i++)
    ahead_take_delivery (ahead);
  for (guint i = 0; i < DEYE_BUS_AHEAD_CHANNEL; i++)
    ahead_load_channel (ahead, i);
}

void
deye_bus_ahead_load (DeyeBusAhead *ahead, WireSpan input)
{
  if (ahead->rest.data == NULL || ahead->rest.data < input.data)
    ahead_begin_read (ahead, input);
  ahead_take_delivery (ahead);
  ahead_load_channel (ahead, ahead->n + DEYE_BUS_AHEAD_CHANNEL);
}
