/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"
#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-pending.h"
#include "session/deye-bus-retained.h"
#include "session/deye-bus-window.h"

/*
 * The credit that the broker grants for sending, and the calls that wait for it.
 *
 * There is one window and one queue for each credit class, so a flood of events does not prevent a client from sending a result
 * or from unsubscribing. A waiting call is kept encoded. This module sends nothing itself.
 *
 * Replies to one request keep their order although a large and a small reply have different classes. If the previous reply to
 * the same request waits in another class, the new reply refers to it (DeyeBusAfter) and does not start before it. Meanwhile
 * later calls may overtake the new reply within its class.
 *
 * Invariant: a call of the queue does not start while an earlier call of its class waits, unless the earlier call waits for a call
 * of another class. (Calls of the library that overtake waiting calls do not enter the queue while their class has credit.)
 */

#define DEYE_BUS_WAITING_MAX_CALLS 65536u /* of each class */
#define DEYE_BUS_WAITING_MAX_BYTES (64u << 20)

/* Names a call that waits, or waited, in another class. */
typedef struct
{
  guint64 number; /* 0: none */
  WireClass credit_class;
} DeyeBusAfter;

typedef struct
{
  DeyeBusPending *pending;        /* nullable */
  GBytes *payload;                /* nullable: bytes that follow the head */
  guint64 number;                 /* grows in the order of arrival, over all classes */
  DeyeBusRetainedValue *retained; /* remembered when it starts; NULL: it retains nothing */
  DeyeBusAfter after;             /* an earlier call that has to start before this one */
  WireClass credit_class;
  guint8 kind;
  guint64 own_id; /* id of a frame of the library (@own of the call); 0: it is a message of the program */
  gsize head_len;
  guint8 head[];
} DeyeBusWaiting;

typedef struct
{
  DeyeBusWindow windows[WIRE_N_CLASSES];
  GQueue waiting[WIRE_N_CLASSES]; /* of DeyeBusWaiting */
  gsize waiting_bytes[WIRE_N_CLASSES];
  guint64 last_number; /* of the calls that had to wait so far */
} DeyeBusSendQueue;

void deye_bus_send_queue_init (DeyeBusSendQueue *queue);
/* Frees all waiting calls; their pending calls are not ended. */
void deye_bus_send_queue_clear (DeyeBusSendQueue *queue);

/* The connection ended: no class has credit until its window is opened again. */
void deye_bus_send_queue_shut (DeyeBusSendQueue *queue);

/* The class has credit, and no call of it waits. */
static inline gboolean
deye_bus_send_queue_may_start (const DeyeBusSendQueue *queue, WireClass credit_class)
{
  return credit_class == WIRE_CLASS_NONE
         || (queue->waiting[credit_class].length == 0 && deye_bus_window_is_open (&queue->windows[credit_class]));
}
/* The class has credit; calls of it may be waiting. */
gboolean deye_bus_send_queue_is_open (const DeyeBusSendQueue *queue, WireClass credit_class);
/* The class has credit, no call of it waits, and at least half of the window is left. */
gboolean deye_bus_send_queue_has_spare (const DeyeBusSendQueue *queue, WireClass credit_class);
/* A call of @bytes starts. */
void deye_bus_send_queue_use (DeyeBusSendQueue *queue, WireClass credit_class, gsize bytes);

/* TRUE if the call that @after names still waits. */
gboolean deye_bus_send_queue_waits (const DeyeBusSendQueue *queue, const DeyeBusAfter *after);

/* Appends a waiting call. @pending: (nullable). @retained: (nullable), taken on success. @after: (nullable): the call does not
 * start before that one. FALSE: too many calls wait. */
gboolean deye_bus_send_queue_push (DeyeBusSendQueue *queue,
                                   const DeyeBusEncodedCall *encoded,
                                   DeyeBusPending *pending,
                                   const DeyeBusAfter *after,
                                   DeyeBusRetainedValue *retained,
                                   GError **error);
/* Removes the oldest waiting call that may start, and uses its credit. The caller frees it. NULL: there is no such call, or no
 * credit. */
DeyeBusWaiting *deye_bus_send_queue_pop (DeyeBusSendQueue *queue, WireClass credit_class);
/* Removes the oldest waiting call of all classes, even if it may not start. NULL: no call waits. */
DeyeBusWaiting *deye_bus_send_queue_take (DeyeBusSendQueue *queue);
void deye_bus_waiting_free (DeyeBusWaiting *waiting);
/* Drops the waiting call of @pending, if there is one. */
void deye_bus_send_queue_drop (DeyeBusSendQueue *queue, DeyeBusPending *pending);

/* TRUE if none of the calls that waited when last_number was @number is still waiting. */
gboolean deye_bus_send_queue_is_past (const DeyeBusSendQueue *queue, guint64 number);

/* The number of waiting calls of all classes. */
guint deye_bus_send_queue_count (const DeyeBusSendQueue *queue);
/* The number of waiting messages of the program; @unwatched: those that have no pending call, so that no caller gets a result. */
DeyeBusOutCount deye_bus_send_queue_count_messages (const DeyeBusSendQueue *queue);
