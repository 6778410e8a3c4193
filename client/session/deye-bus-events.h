/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"

/*
 * A queue of events that are not dispatched yet: a ring buffer that grows.
 *
 * Each callback of the program is called by the dispatch of an event, so the library never calls user code from inside a library
 * call. The ring does not know the types of subjects: its owner supplies the function that clears an event.
 *
 * Invariant: the length of the ring is bounded. The receive windows bound the number of messages, and the number of pending calls
 * bounds their events. The broker sends refusals without credit, so the session adds at most DEYE_BUS_EVENTS_REFUSED_MAX of them.
 */

typedef enum
{
  DEYE_BUS_EVENT_MESSAGE, /* subject: DeyeBusChannel, message */
  DEYE_BUS_EVENT_GAP,     /* subject: DeyeBusChannel, gap: DeyeBusGap */
  DEYE_BUS_EVENT_RESUMED, /* subject: DeyeBusChannel; the events that it holds may be dispatched */
  DEYE_BUS_EVENT_DRAIN,   /* subject: DeyeBusChannel; its drain_state changed */
  DEYE_BUS_EVENT_NEXT,   /* subject: DeyeBusChannel; next_async() waits, and a message arrived or the channel was cut */
  DEYE_BUS_EVENT_ENDED,  /* subject: DeyeBusChannel; its last event */
  DEYE_BUS_EVENT_DONE,   /* subject: DeyeBusPending */
  DEYE_BUS_EVENT_ANSWER, /* subject: DeyeBusStream; next_async() waits, and an answer arrived or the request ended */
  DEYE_BUS_EVENT_CANCEL, /* subject: GCancellable of a request whose requester has stopped waiting */
  DEYE_BUS_EVENT_TASK,   /* task: CANCEL or DELIVERED of a task that was given to this client */
  DEYE_BUS_EVENT_REFUSED,      /* subject: GError; a message without a pending call was refused */
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

/* News about a request that gave this client a task: it was cancelled, or its answer was delivered. */
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
  guint refused; /* number of events REFUSED in the ring */
  DeyeBusEventFunc clear_event;
} DeyeBusEvents;

#define DEYE_BUS_EVENTS_REFUSED_MAX 65536u

/* @clear_event frees what one event owns. */
void deye_bus_events_init (DeyeBusEvents *events, DeyeBusEventFunc clear_event);
/* Clears all events; the ring is empty and usable afterwards. */
void deye_bus_events_clear (DeyeBusEvents *events);

/* Makes room for one more. */
void deye_bus_events_grow (DeyeBusEvents *events);

/* Appends an event, whose members the caller sets. */
static inline DeyeBusEvent *
deye_bus_events_add (DeyeBusEvents *events)
{
  if (events->count == events->size)
    deye_bus_events_grow (events);
  return &events->ring[(events->first + events->count++) & (events->size - 1)];
}

/* Takes @event. */
static inline void
deye_bus_events_push (DeyeBusEvents *events, DeyeBusEvent event)
{
  *deye_bus_events_add (events) = event;
  events->refused += event.kind == DEYE_BUS_EVENT_REFUSED;
}

/* Appends the event MESSAGE. Its members are written into the ring one by one: GCC would assemble a whole event on the stack and
 * copy it in larger units than it was written, and the processor waits for each such copy.
 *
 * @channel: owned by the event. @message: (transfer full) */
static inline void
deye_bus_events_push_message (DeyeBusEvents *events, gpointer channel, DeyeBusMessage *message)
{
  DeyeBusEvent *event = deye_bus_events_add (events);

  event->kind = DEYE_BUS_EVENT_MESSAGE;
  event->subject = channel;
  event->message = message;
}

/* Takes the oldest event; the caller clears it. FALSE: the ring is empty. */
gboolean deye_bus_events_pop (DeyeBusEvents *events, DeyeBusEvent *event);
/* The event at position @i, counted from the oldest (0); it stays in the ring. @i: less than count. */
const DeyeBusEvent *deye_bus_events_peek (const DeyeBusEvents *events, guint i);
