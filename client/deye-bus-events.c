/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-events.h"

#include "deye-bus-session.h"

void
deye_bus_events_init (DeyeBusEvents *events)
{
  memset (events, 0, sizeof *events);
}

void
deye_bus_events_clear (DeyeBusEvents *events)
{
  DeyeBusEvent event;

  while (deye_bus_events_pop (events, &event))
    deye_bus_event_clear (&event);
  g_free (events->ring);
  deye_bus_events_init (events);
}

static void
grow (DeyeBusEvents *events)
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

void
deye_bus_events_push (DeyeBusEvents *events, DeyeBusEvent event)
{
  if (events->count == events->size)
    grow (events);
  events->ring[(events->first + events->count) & (events->size - 1)] = event;
  events->count++;
  if (event.kind == DEYE_BUS_EVENT_REFUSED)
    events->refused++;
}

gboolean
deye_bus_events_pop (DeyeBusEvents *events, DeyeBusEvent *event)
{
  if (events->count == 0)
    return FALSE;
  *event = events->ring[events->first];
  events->first = (events->first + 1) & (events->size - 1);
  events->count--;
  if (event->kind == DEYE_BUS_EVENT_REFUSED)
    events->refused--;
  return TRUE;
}

void
deye_bus_event_clear (DeyeBusEvent *event)
{
  switch (event->kind)
    {
    case DEYE_BUS_EVENT_MESSAGE:
      g_clear_pointer (&event->message, deye_bus_message_unref);
      g_clear_pointer (&event->subject, deye_bus_channel_unref);
      break;
    case DEYE_BUS_EVENT_GAP:
      if (event->subject != NULL)
        deye_bus_channel_close_gap (event->subject, event->gap);
      g_clear_pointer (&event->gap, g_free);
      g_clear_pointer (&event->subject, deye_bus_channel_unref);
      break;
    case DEYE_BUS_EVENT_RESUMED:
    case DEYE_BUS_EVENT_NEXT:
    case DEYE_BUS_EVENT_ENDED:
      deye_bus_channel_unref (event->subject);
      break;
    case DEYE_BUS_EVENT_DONE:
      deye_bus_pending_unref (event->subject);
      break;
    case DEYE_BUS_EVENT_REFUSED:
    case DEYE_BUS_EVENT_CLOSED:
      g_error_free (event->subject);
      break;
    case DEYE_BUS_EVENT_STATE:
      break;
    }
  event->subject = NULL;
}
