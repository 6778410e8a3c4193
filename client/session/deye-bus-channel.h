/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-subscribe-options.h"
#include "session/deye-bus-events.h"
#include "session/deye-bus-window.h"

/*
 * A subscription as the connection sees it: its window, and what came for it and was not told yet.
 *
 * Messages of next() wait in the inbox, and the gaps among them keep their places. Those of a callback wait in the client's
 * events. When their turn comes and the subscription is paused they are held in here, and as long as something is held what
 * follows is held behind it: so nothing overtakes. Nothing in here is told or sent.
 *
 * Invariant: between two messages there is at most one untold gap for each reason. So what is not told is bounded by the
 * window, however long nobody dispatches.
 */

#define DEYE_BUS_GAP_REASONS_MAX 8u

/* Of the inbox. */
typedef struct
{
  DeyeBusGap gap;
  guint64 place; /* how many messages came before it */
} DeyeBusPlacedGap;

/* Not atomic: the client's thread only. */
typedef struct
{
  guint refs;
  guint32 id;
  gboolean serve;
  gboolean pull;        /* no callback: messages wait in the inbox */
  gboolean waiting;     /* somebody waits for the inbox: tell it by NEXT */
  gboolean waking;      /* an event NEXT is on its way */
  gboolean cut;         /* nothing more will come in */
  gboolean ended;       /* nothing more may be told */
  DeyeBusPolicy policy; /* in force; DEFAULT: not known */
  guint64 queue_messages;
  guint64 queue_bytes;
  DeyeBusWindow window;
  gint64 prompt_us;   /* the client's: when credit last went back because it was time; policy block only */
  GQueue inbox;       /* of DeyeBusMessage */
  GQueue inbox_gaps;  /* of DeyeBusPlacedGap, in their order */
  guint64 inbox_came; /* messages, ever; what was taken is that less what is in it */
  gboolean paused;
  gboolean resuming;                          /* an event RESUMED is on its way */
  DeyeBusEvents held;                         /* messages and gaps, without a subject: no channel keeps itself */
  DeyeBusGap *gaps[DEYE_BUS_GAP_REASONS_MAX]; /* of the untold events GAP those that may still grow; borrowed */
  guint n_gaps;
  guint64 origin; /* of the session that it belongs to */
  gpointer owner; /* the client's; not touched in here */
} DeyeBusChannel;

DeyeBusChannel *deye_bus_channel_new (guint32 id, gboolean serve, gboolean pull);
DeyeBusChannel *deye_bus_channel_ref (DeyeBusChannel *channel);
void deye_bus_channel_unref (DeyeBusChannel *channel);

/* Appends @gap to @events, or adds it to an untold one for the same reason behind the same message. FALSE: there are too
 * many. */
gboolean deye_bus_channel_push_gap (DeyeBusChannel *channel, DeyeBusEvents *events, const DeyeBusGap *gap);
/* It is told now, or never. Harmless when it was closed. */
void deye_bus_channel_close_gap (DeyeBusChannel *channel, const DeyeBusGap *gap);

/* A message came for the callback: what is missed from now on is behind it. */
static inline void
deye_bus_channel_close_gaps (DeyeBusChannel *channel)
{
  channel->n_gaps = 0;
}

/* next(): a message came, or is taken; NULL: there is none. */
void deye_bus_channel_put (DeyeBusChannel *channel, DeyeBusMessage *message);
DeyeBusMessage *deye_bus_channel_take (DeyeBusChannel *channel);
/* ... @gap lies behind what came. FALSE: there are too many. */
gboolean deye_bus_channel_put_gap (DeyeBusChannel *channel, const DeyeBusGap *gap);
/* ... the oldest gap in front of the message that is to be taken next. FALSE: there is none. */
gboolean deye_bus_channel_take_gap (DeyeBusChannel *channel, DeyeBusGap *gap);
/* ... there is something for who waits, if somebody does; one event NEXT at a time. */
void deye_bus_channel_wake (DeyeBusChannel *channel, DeyeBusEvents *events);

/* Whether a message or gap of it has to be held now. */
static inline gboolean
deye_bus_channel_holds (const DeyeBusChannel *channel)
{
  return (channel->paused || channel->held.count > 0) && !channel->ended;
}

/* Takes @event, which is about @channel. */
void deye_bus_channel_hold (DeyeBusChannel *channel, DeyeBusEvent event);
/* Gives the oldest one back. FALSE: there is none. */
gboolean deye_bus_channel_unhold (DeyeBusChannel *channel, DeyeBusEvent *event);
void deye_bus_channel_drop_held (DeyeBusChannel *channel);
