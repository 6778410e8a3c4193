/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscribe-options.h"
#include "session/deye-bus-events.h"
#include "session/deye-bus-window.h"

/*
 * A channel: the session's side of a subscription. It holds the receive window, and the messages and gaps that have
 * arrived and are not handled yet.
 *
 * The messages and gaps of a subscription with a callback are events in the client's ring. If the subscription is paused when such
 * an event is due, the channel holds the event and all later ones, so that their order is kept. Messages of a subscription without
 * a callback wait in the inbox for next(), and gaps keep their places among them. A channel calls no user code and sends nothing.
 *
 * Invariant: between two messages there is at most one undispatched gap for each reason. So the window bounds the memory of a
 * channel, even if the context does not run for a long time.
 */

#define DEYE_BUS_GAP_REASONS_MAX 8u

/* A gap in the inbox. */
typedef struct
{
  DeyeBusGap gap;
  guint64 place; /* number of messages that arrived before it */
} DeyeBusPlacedGap;

typedef struct DeyeBusPending DeyeBusPending;

/* For the client's thread only, except for the reference count: a subscription that has ended may be freed in any thread. */
typedef struct
{
  /* The members that a message reads and writes come first, so that they lie in few cache lines. */
  gatomicrefcount refs;
  guint events; /* events about it in the client's ring, plus 1 while is_owing: all of them share one reference */
  guint32 id;
  DeyeBusPolicy policy; /* as the broker reported it; DEFAULT: not known */
  gboolean serve;
  gboolean balanced; /* in a group, or one of several servers: the broker prefers members that return credit early */
  gboolean is_task;  /* its requests give tasks to this client */
  gboolean pull;     /* no callback: messages wait in the inbox */
  gboolean is_owing; /* it is in the session's list of channels that owe credit */
  gboolean cut;      /* the session delivers no more to it */
  gboolean ended;    /* no callback may be called any more */
  gboolean paused;
  guint n_gaps;
  gpointer owner; /* the subscription; not used by the session */
  guint64 origin; /* of the session that it belongs to */
  DeyeBusWindow window;
  DeyeBusEvents held; /* messages and gaps, without a subject: a channel must not hold itself */

  gboolean waiting;     /* a task waits for the inbox: an event NEXT wakes it */
  gboolean waking;      /* an event NEXT is in the ring */
  gboolean catching_up; /* retained messages may follow: their end has not arrived */
  gboolean resuming;    /* an event RESUMED is in the ring */
  guint64 queue_messages;
  guint64 queue_bytes;
  DeyeBusDrainState drain_state;
  gboolean drain_news;                        /* an event DRAIN is in the ring */
  GQueue inbox;                               /* of DeyeBusMessage */
  GQueue inbox_gaps;                          /* of DeyeBusPlacedGap, in their order */
  guint64 inbox_received;                     /* total of messages that entered it */
  DeyeBusGap *gaps[DEYE_BUS_GAP_REASONS_MAX]; /* undispatched gaps that may still grow; borrowed from their events */
  GBytes *request;                            /* SubscribeRequest, to subscribe it again; NULL: that is not possible */
  DeyeBusPending *asking;                     /* the user's subscribe call, while it has no answer; borrowed */
  GError *refusal;                            /* why the broker refused it after a reconnect; NULL: it did not */
} DeyeBusChannel;

/* Loads into the cache the members that a message reads. */
static inline void
deye_bus_channel_prefetch (const DeyeBusChannel *channel)
{
  for (gsize line = 0; line < G_STRUCT_OFFSET (DeyeBusChannel, waiting); line += 64)
    __builtin_prefetch ((const char *) channel + line, 1);
}

DeyeBusChannel *deye_bus_channel_new (guint32 id, gboolean serve, gboolean pull);
DeyeBusChannel *deye_bus_channel_ref (DeyeBusChannel *channel);
void deye_bus_channel_unref (DeyeBusChannel *channel);

/* References for the subject of an event, in the client's thread only. All events about @channel share one reference, so only the
 * first enter() and the last leave() use atomic operations. */
static inline DeyeBusChannel *
deye_bus_channel_enter (DeyeBusChannel *channel)
{
  if (channel->events++ == 0)
    deye_bus_channel_ref (channel);
  return channel;
}

static inline void
deye_bus_channel_leave (DeyeBusChannel *channel)
{
  if (--channel->events == 0)
    deye_bus_channel_unref (channel);
}

/* TRUE if credit is returned as soon as no message is left to handle, instead of after a quarter of the window. */
static inline gboolean
deye_bus_channel_is_prompt (const DeyeBusChannel *channel)
{
  return channel->policy == DEYE_BUS_POLICY_BLOCK || channel->balanced;
}

/* Appends @gap to @events, or adds it to an undispatched gap for the same reason behind the same message. FALSE:
 * there are too many reasons. */
gboolean deye_bus_channel_push_gap (DeyeBusChannel *channel, DeyeBusEvents *events, const DeyeBusGap *gap);
/* @gap is about to be dispatched or freed: later losses are not added to it. No effect on a closed gap. */
void deye_bus_channel_close_gap (DeyeBusChannel *channel, const DeyeBusGap *gap);

/* A message for the callback arrived: later losses belong behind it, to other gaps. */
static inline void
deye_bus_channel_close_gaps (DeyeBusChannel *channel)
{
  channel->n_gaps = 0;
}

/* Puts a message into the inbox (transfer full), or takes the oldest one. NULL: the inbox is empty. */
void deye_bus_channel_put (DeyeBusChannel *channel, DeyeBusMessage *message);
DeyeBusMessage *deye_bus_channel_take (DeyeBusChannel *channel);
/* Puts a gap behind the last message of the inbox. FALSE: there are too many reasons. */
gboolean deye_bus_channel_put_gap (DeyeBusChannel *channel, const DeyeBusGap *gap);
/* Takes the oldest gap in front of the next message. FALSE: there is none. */
gboolean deye_bus_channel_take_gap (DeyeBusChannel *channel, DeyeBusGap *gap);
/* The broker has stopped sending new messages to @channel, or sends them again. At most one event DRAIN of a channel is in the
 * ring, so the program does not see a state that a newer state replaces before the dispatch. */
void deye_bus_channel_set_drain (DeyeBusChannel *channel, DeyeBusDrainState state, DeyeBusEvents *events);

/* Wakes the waiting task, if there is one; at most one event NEXT is in the ring. */
void deye_bus_channel_wake (DeyeBusChannel *channel, DeyeBusEvents *events);

/* TRUE if its messages and gaps must be held now. */
static inline gboolean
deye_bus_channel_holds (const DeyeBusChannel *channel)
{
  return (channel->paused || channel->held.count > 0) && !channel->ended;
}

/* Takes @event, whose subject is @channel. */
void deye_bus_channel_hold (DeyeBusChannel *channel, DeyeBusEvent event);
/* Takes the oldest held event out. FALSE: there is none. */
gboolean deye_bus_channel_unhold (DeyeBusChannel *channel, DeyeBusEvent *event);
void deye_bus_channel_drop_held (DeyeBusChannel *channel);
