/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"

/*
 * Events that are not dispatched yet, in order: a ring that grows.
 *
 * Everything that ends in a callback passes through an event, so that the library never calls user code from inside a
 * library call. The receive windows and the number of pending calls bound the length of the ring.
 *
 * The ring knows no subject: its owner says how one event is cleared.
 */

typedef enum
{
  DEYE_BUS_EVENT_MESSAGE, /* subject: DeyeBusChannel, message */
  DEYE_BUS_EVENT_GAP,     /* subject: DeyeBusChannel, gap: DeyeBusGap */
  DEYE_BUS_EVENT_RESUMED, /* subject: DeyeBusChannel; what it holds may be dispatched */
  DEYE_BUS_EVENT_DRAIN,   /* subject: DeyeBusChannel; its drain_state changed */
  DEYE_BUS_EVENT_NEXT,    /* subject: DeyeBusChannel; a caller waits for its inbox, and something came or it was cut */
  DEYE_BUS_EVENT_ENDED,   /* subject: DeyeBusChannel; its last event */
  DEYE_BUS_EVENT_DONE,    /* subject: DeyeBusPending */
  DEYE_BUS_EVENT_ANSWER,  /* subject: DeyeBusStream; a caller waits for an answer, and one came or the request ended */
  DEYE_BUS_EVENT_CANCEL,  /* subject: GCancellable of a request that nobody waits for any more */
  DEYE_BUS_EVENT_TASK,    /* task: CANCEL or DELIVERED of a task that was given to this client */
  DEYE_BUS_EVENT_REFUSED, /* subject: GError */
  DEYE_BUS_EVENT_TASK_CHANGED, /* subject: DeyeBusTask that this client has submitted */
  DEYE_BUS_EVENT_STATE,        /* the client's state changed */
  DEYE_BUS_EVENT_CLOSED,       /* subject: GError */
  DEYE_BUS_EVENT_INTERRUPTED,  /* subject: GError */
  DEYE_BUS_EVENT_EPOCH,        /* the broker has been restarted */
} DeyeBusEventKind;

typedef struct
{
  guint64 from;
  guint64 to;
  guint64 count;
  guint32 reason;
} DeyeBusGap;

/* About the answer of this client to a request that gave it a task. */
typedef struct
{
  guint64 origin; /* of the session */
  guint64 route;
  guint32 status;        /* of CANCEL, a WireStatus */
  gboolean is_delivered; /* the submitter has the result; otherwise the task is cancelled */
} DeyeBusTaskNews;

typedef struct
{
  DeyeBusEventKind kind;
  gpointer subject; /* owned by the event; NULL for an event that a channel holds */
  union
  {
    DeyeBusMessage *message; /* owned */
    DeyeBusGap *gap;         /* owned */
    DeyeBusTaskNews *task;   /* owned */
  };
} DeyeBusEvent;

typedef void (*DeyeBusEventFunc) (DeyeBusEvent *event);

typedef struct
{
  DeyeBusEvent *ring;
  guint size; /* a power of two, or 0 */
  guint first;
  guint count;
  guint refused; /* events of the kind REFUSED in the ring: they cost the broker no credit */
  DeyeBusEventFunc clear_event;
} DeyeBusEvents;

#define DEYE_BUS_EVENTS_REFUSED_MAX 65536u

/* @clear_event frees what one event owns. */
void deye_bus_events_init (DeyeBusEvents *events, DeyeBusEventFunc clear_event);
/* Clears all events; the ring is empty and usable afterwards. */
void deye_bus_events_clear (DeyeBusEvents *events);

/* Makes room for one more. */
void deye_bus_events_grow (DeyeBusEvents *events);

/* Takes @event. */
static inline void
deye_bus_events_push (DeyeBusEvents *events, DeyeBusEvent event)
{
  if (events->count == events->size)
    deye_bus_events_grow (events);
  events->ring[(events->first + events->count) & (events->size - 1)] = event;
  events->count++;
  events->refused += event.kind == DEYE_BUS_EVENT_REFUSED;
}

/* Gives the oldest event to the caller, who clears it. FALSE: the ring is empty. */
gboolean deye_bus_events_pop (DeyeBusEvents *events, DeyeBusEvent *event);
/* Event number @i from the oldest, which stays in the ring. @i: below count. */
const DeyeBusEvent *deye_bus_events_peek (const DeyeBusEvents *events, guint i);
