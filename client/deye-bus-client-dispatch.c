/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-answers-private.h"
#include "deye-bus-clock.h"
#include "deye-bus-message-private.h"
#include "deye-bus-subscription-private.h"
#include "deye-bus-task-private.h"
#include "session/deye-bus-session-answer.h"
#include "session/deye-bus-session-restore.h"
#include "wire-hot.h"

/*
 * Dispatch of events: the only place that calls user code.
 *
 * An event is taken out of the ring before its callback is called. So a callback may make a synchronous call (events that occur
 * meanwhile are appended to the ring), unsubscribe, close the client, or release the last reference.
 *
 * A message or gap for a paused subscription is moved to its channel when it would be dispatched. After the subscription was
 * resumed, each event RESUMED dispatches one of the held events and appends the next RESUMED, so that events of other
 * subscriptions are dispatched in between.
 */

#define EVENTS_PER_TURN   1024u
#define LOAD_CHANNEL      16u /* events ahead of the one that is dispatched */
#define LOAD_SUBSCRIPTION 8u
#define LOAD_MIN          256u /* fewer subscriptions stay in the cache anyway */

/* Publishers may wait for this credit, or the broker prefers members that return it early. So it is returned, and written, also in
 * the middle of a long dispatch. */
static void
client_return_credit_in_time (DeyeBusClient *self)
{
  if (deye_bus_session_return_early (self->session, deye_bus_clock_coarse_us ()))
    deye_bus_client_write (self);
}

void
deye_bus_client_handled (DeyeBusClient *self, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called)
{
  if (self->session == NULL)
    return;
  if (deye_bus_session_handled (self->session, channel, message, called))
    client_return_credit_in_time (self);
}

/* FALSE: @message is a request that was cancelled, so that its handler is not called. The CANCEL may be the next frame in the
 * socket, so everything that has arrived is read first. For a task the collector does this before it starts the task. */
static gboolean
dispatch_is_wanted (DeyeBusClient *self, const DeyeBusChannel *channel, const DeyeBusMessage *message)
{
  if (message->kind != WIRE_KIND_REQUEST)
    return TRUE;
  if (!channel->is_task)
    deye_bus_client_read_ahead (self);
  return self->session != NULL && deye_bus_session_is_open (self->session, message);
}

/* The subscription that must last as long as the dispatch of @event; NULL: none. */
static DeyeBusSubscription *
dispatch_borrowed (const DeyeBusEvent *event)
{
  return event->kind == DEYE_BUS_EVENT_MESSAGE ? ((const DeyeBusChannel *) event->subject)->owner : NULL;
}

/* The caller holds a reference to the subscription. */
WIRE_HOT static void
dispatch_message (DeyeBusClient *self, DeyeBusChannel *channel, DeyeBusMessage *message)
{
  DeyeBusSubscription *subscription = channel->owner;
  gboolean called = !channel->ended && dispatch_is_wanted (self, channel, message);

  if (called && message->hops != NULL)
    deye_bus_hops_note_delivered (message->hops);
  if (called)
    deye_bus_subscription_deliver (subscription, message);
  else if (channel->ended)
    subscription->missed++;
  deye_bus_client_handled (self, channel, message, called);
}

static void
dispatch_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  /* Losses that are reported from now on, for example during the callback, are added to another gap. */
  deye_bus_channel_close_gap (channel, gap);
  /* The subscription is gone if next() has queued this gap behind the event ENDED. */
  if (channel->owner == NULL)
    return;
  subscription = g_object_ref (channel->owner);
  deye_bus_subscription_gap (subscription, gap);
}

/* Dispatches a message or gap. Messages that had arrived when the subscription ended are not dispatched and count as missed. */
static void
dispatch_delivery (DeyeBusClient *self, const DeyeBusEvent *event)
{
  if (event->kind == DEYE_BUS_EVENT_MESSAGE)
    dispatch_message (self, event->subject, event->message);
  else
    dispatch_gap (event->subject, event->gap);
}

void
deye_bus_client_resume_channel (DeyeBusClient *self, DeyeBusChannel *channel)
{
  if (channel->resuming || channel->held.count == 0)
    return;
  channel->resuming = TRUE;
  deye_bus_events_push (&self->events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_RESUMED, .subject = deye_bus_channel_enter (channel) });
}

static void
dispatch_held_delivery (DeyeBusClient *self, DeyeBusEvent *event)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  g_set_object (&subscription, dispatch_borrowed (event));
  dispatch_delivery (self, event);
  deye_bus_session_clear_event (event);
}

static void
dispatch_held (DeyeBusClient *self, DeyeBusChannel *channel)
{
  DeyeBusEvent event;

  channel->resuming = FALSE;
  if (channel->paused || !deye_bus_channel_unhold (channel, &event))
    return;
  deye_bus_client_resume_channel (self, channel);
  dispatch_held_delivery (self, &event);
}

static void
dispatch_drain (DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  channel->drain_news = FALSE;
  if (channel->owner == NULL || channel->ended)
    return;
  subscription = g_object_ref (channel->owner);
  deye_bus_subscription_drain_changed (subscription);
}

static void
dispatch_drop_held (DeyeBusClient *self, DeyeBusChannel *channel)
{
  DeyeBusEvent event;

  channel->ended = TRUE;
  while (deye_bus_channel_unhold (channel, &event))
    dispatch_held_delivery (self, &event);
}

static void
dispatch_end (DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusSubscription) subscription = g_object_ref (channel->owner);

  deye_bus_subscription_end (subscription);
  if (channel->refusal != NULL)
    deye_bus_subscription_refused (subscription, channel->refusal);
}

static void
dispatch_next (DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  channel->waking = FALSE;
  if (channel->owner == NULL)
    return;
  subscription = g_object_ref (channel->owner);
  deye_bus_client_wake_next (subscription);
}

static void
dispatch_answer (DeyeBusStream *stream)
{
  g_autoptr (DeyeBusAnswers) answers = NULL;

  stream->waking = FALSE;
  if (stream->owner == NULL)
    return;
  answers = g_object_ref (stream->owner);
  deye_bus_answers_wake (answers);
}

static void
dispatch_refused (DeyeBusClient *self, const GError *error)
{
  if (g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT))
    {
      if (self->loss_reported)
        return;
      self->lost = 0;
    }
  g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, error);
}

static void
dispatch_task_news (DeyeBusClient *self, const DeyeBusTaskNews *news)
{
  if (self->collector_hooks != NULL)
    self->collector_hooks->task_news (self->collector, news);
}

static void
dispatch_event (DeyeBusClient *self, const DeyeBusEvent *event)
{
  DeyeBusPending *pending = event->subject;
  DeyeBusChannel *channel = event->subject;

  switch (event->kind)
    {
    case DEYE_BUS_EVENT_MESSAGE:
    case DEYE_BUS_EVENT_GAP:
      dispatch_delivery (self, event);
      break;
    case DEYE_BUS_EVENT_RESUMED:
      dispatch_held (self, channel);
      break;
    case DEYE_BUS_EVENT_DRAIN:
      dispatch_drain (channel);
      break;
    case DEYE_BUS_EVENT_NEXT:
      dispatch_next (channel);
      break;
    case DEYE_BUS_EVENT_ENDED:
      dispatch_drop_held (self, channel);
      dispatch_end (channel);
      break;
    case DEYE_BUS_EVENT_DONE:
      pending->complete (pending);
      break;
    case DEYE_BUS_EVENT_ANSWER:
      dispatch_answer (event->subject);
      break;
    case DEYE_BUS_EVENT_CANCEL:
      g_cancellable_cancel (event->subject);
      break;
    case DEYE_BUS_EVENT_TASK:
      dispatch_task_news (self, event->task);
      break;
    case DEYE_BUS_EVENT_TASK_CHANGED:
      deye_bus_task_dispatch (event->subject);
      break;
    case DEYE_BUS_EVENT_REFUSED:
      dispatch_refused (self, event->subject);
      break;
    case DEYE_BUS_EVENT_STATE:
      deye_bus_client_notify_state (self);
      break;
    case DEYE_BUS_EVENT_INTERRUPTED:
      g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_INTERRUPTED], 0, event->subject);
      break;
    case DEYE_BUS_EVENT_EPOCH:
      g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_EPOCH_CHANGED], 0);
      break;
    case DEYE_BUS_EVENT_CLOSED:
      g_signal_emit (self, deye_bus_client_signals[DEYE_BUS_SIGNAL_CLOSED], 0, event->subject);
      break;
    }
}

static gboolean
dispatch_must_hold (const DeyeBusEvent *event)
{
  return (event->kind == DEYE_BUS_EVENT_MESSAGE || event->kind == DEYE_BUS_EVENT_GAP)
         && deye_bus_channel_holds (event->subject);
}

/* Frees what the event owns. The session, if there still is one, gets the block of a message for the next message. */
static void
dispatch_clear_event (DeyeBusClient *self, DeyeBusEvent *event)
{
  if (event->kind == DEYE_BUS_EVENT_MESSAGE && self->session != NULL)
    deye_bus_session_clear_message (self->session, event);
  else
    deye_bus_session_clear_event (event);
}

/* With many subscriptions the subscription of the next message is usually not in the cache. Loads the subscriptions of the events
 * that follow soon. */
static void
dispatch_load_ahead (const DeyeBusEvents *events)
{
  const DeyeBusEvent *event;
  const DeyeBusSubscription *next;

  if (events->count <= LOAD_CHANNEL)
    return;
  event = deye_bus_events_peek (events, LOAD_CHANNEL);
  if (event->kind == DEYE_BUS_EVENT_MESSAGE)
    deye_bus_channel_prefetch (event->subject);
  event = deye_bus_events_peek (events, LOAD_SUBSCRIPTION);
  next = dispatch_borrowed (event);
  if (next == NULL)
    return;
  __builtin_prefetch (next, 1);
  __builtin_prefetch (&next->callback);
}

gboolean
deye_bus_client_dispatch (DeyeBusClient *self)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL; /* one reference for all messages of a run */
  gboolean loads = self->session != NULL && deye_bus_session_n_subscribed (self->session) >= LOAD_MIN;
  DeyeBusEvent event;

  for (guint i = 0; i < EVENTS_PER_TURN && deye_bus_events_pop (&self->events, &event); i++)
    {
      if (loads)
        dispatch_load_ahead (&self->events);
      if (dispatch_must_hold (&event))
        {
          deye_bus_channel_hold (event.subject, event);
          continue;
        }
      g_set_object (&subscription, dispatch_borrowed (&event));
      dispatch_event (self, &event);
      dispatch_clear_event (self, &event);
    }
  return self->events.count > 0;
}
