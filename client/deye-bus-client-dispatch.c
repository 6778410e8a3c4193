/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-subscription-private.h"

/*
 * Telling: the only place from which user code is called.
 *
 * One event at a time is taken out before it is told, so a callback may do anything: call synchronously (what arrives
 * meanwhile is appended), unsubscribe, close, or drop the last reference.
 */

#define EVENTS_PER_TURN 1024u

static void
tell_message (DeyeBusClient *self, DeyeBusChannel *channel, DeyeBusMessage *message)
{
  gboolean called = !channel->ended;

  if (called)
    {
      g_autoptr (DeyeBusSubscription) subscription = g_object_ref (channel->owner);

      deye_bus_subscription_deliver (subscription, message);
    }
  if (self->session != NULL)
    deye_bus_session_handled (self->session, channel, message, called);
}

static void
tell_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  if (channel->ended)
    return;
  subscription = g_object_ref (channel->owner);
  deye_bus_subscription_gap (subscription, gap);
}

static void
tell_next (DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  if (channel->owner == NULL)
    return;
  subscription = g_object_ref (channel->owner);
  deye_bus_subscription_wake (subscription);
}

static void
tell (DeyeBusClient *self, const DeyeBusEvent *event)
{
  DeyeBusPending *pending = event->subject;
  DeyeBusChannel *channel = event->subject;

  switch (event->kind)
    {
    case DEYE_BUS_EVENT_MESSAGE:
      tell_message (self, channel, event->message);
      break;
    case DEYE_BUS_EVENT_GAP:
      tell_gap (channel, event->gap);
      break;
    case DEYE_BUS_EVENT_NEXT:
      tell_next (channel);
      break;
    case DEYE_BUS_EVENT_ENDED:
      deye_bus_subscription_end (channel->owner);
      break;
    case DEYE_BUS_EVENT_DONE:
      pending->complete (pending);
      break;
    case DEYE_BUS_EVENT_REFUSED:
      g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, event->subject);
      break;
    case DEYE_BUS_EVENT_STATE:
      deye_bus_client_notify_state (self);
      break;
    case DEYE_BUS_EVENT_CLOSED:
      g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_CLOSED], 0, event->subject);
      break;
    }
}

gboolean
deye_bus_client_dispatch (DeyeBusClient *self)
{
  DeyeBusEvent event;

  for (guint i = 0; i < EVENTS_PER_TURN && deye_bus_events_pop (&self->events, &event); i++)
    {
      tell (self, &event);
      deye_bus_event_clear (&event);
    }
  return self->events.count > 0;
}
