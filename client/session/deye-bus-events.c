/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-events.h"

void
deye_bus_events_init (DeyeBusEvents *events, DeyeBusEventFunc clear_event)
{
  *events = (DeyeBusEvents){ .clear_event = clear_event };
}

void
deye_bus_events_clear (DeyeBusEvents *events)
{
  DeyeBusEvent event;

  while (deye_bus_events_pop (events, &event))
    events->clear_event (&event);
  g_free (events->ring);
  deye_bus_events_init (events, events->clear_event);
}

void
deye_bus_events_grow (DeyeBusEvents *events)
{
  guint size = events->size == 0 ? 64 : events->size * 2;
  DeyeBusEvent *ring = g_new (DeyeBusEvent, size);

  for (guint i = 0; i < events->count; i++)
    ring[i] = events->ring[(events->first + i) & (events->size - 1)];
  g_free (events->ring);
  events->ring = ring;
  events->size = size;
  events->first = 0;
}

gboolean
deye_bus_events_pop (DeyeBusEvents *events, DeyeBusEvent *event)
{
  if (events->count == 0)
    return FALSE;
  *event = events->ring[events->first];
  events->first = (events->first + 1) & (events->size - 1);
  events->count--;
  events->refused -= event->kind == DEYE_BUS_EVENT_REFUSED;
  return TRUE;
}

const DeyeBusEvent *
deye_bus_events_peek (const DeyeBusEvents *events, guint i)
{
  g_assert (i < events->count);

  return &events->ring[(events->first + i) & (events->size - 1)];
}
