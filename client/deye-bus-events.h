/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"

/*
 * What happened and was not told yet, in order: a ring that grows.
 *
 * Everything that ends in a callback passes through here, so that no callback is ever called from inside a library
 * call. Its length is bounded by the receive windows and the calls that are on the way.
 */

typedef enum
{
  DEYE_BUS_EVENT_MESSAGE, /* subject: DeyeBusChannel, message */
  DEYE_BUS_EVENT_GAP,     /* subject: DeyeBusChannel, gap: DeyeBusGap */
  DEYE_BUS_EVENT_RESUMED, /* subject: DeyeBusChannel: what it holds may be told */
  DEYE_BUS_EVENT_NEXT,    /* subject: DeyeBusChannel: somebody waits for its inbox, and something came or it was cut */
  DEYE_BUS_EVENT_ENDED,   /* subject: DeyeBusChannel: the last one of it */
  DEYE_BUS_EVENT_DONE,    /* subject: DeyeBusPending */
  DEYE_BUS_EVENT_REFUSED, /* subject: GError */
  DEYE_BUS_EVENT_STATE,   /* the client's state changed */
  DEYE_BUS_EVENT_CLOSED,  /* subject: GError */
} DeyeBusEventKind;

typedef struct
{
  guint64 from;
  guint64 to;
  guint64 count;
  guint32 reason;
} DeyeBusGap;

typedef struct
{
  DeyeBusEventKind kind;
  gpointer subject; /* owned by the event; NULL in what a channel holds */
  union
  {
    DeyeBusMessage *message; /* owned */
    DeyeBusGap *gap;         /* owned */
  };
} DeyeBusEvent;

typedef struct
{
  DeyeBusEvent *ring;
  guint size; /* a power of two, or 0 */
  guint first;
  guint count;
  guint refused; /* of them, of the kind REFUSED: they cost the broker no credit */
} DeyeBusEvents;

#define DEYE_BUS_EVENTS_REFUSED_MAX 65536u

void deye_bus_events_init (DeyeBusEvents *events);
void deye_bus_events_clear (DeyeBusEvents *events);

void deye_bus_events_push (DeyeBusEvents *events, DeyeBusEvent event);
/* FALSE: there is none. The caller frees it with deye_bus_event_clear(). */
gboolean deye_bus_events_pop (DeyeBusEvents *events, DeyeBusEvent *event);
void deye_bus_event_clear (DeyeBusEvent *event);
