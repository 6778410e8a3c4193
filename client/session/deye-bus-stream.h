/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-events.h"
#include "session/deye-bus-window.h"

/*
 * A stream: the session's side of a request with more than one answer. It keeps the answers that have arrived and that
 * nobody has taken, and the window inside which the broker sends them.
 *
 * Answers of several members arrive in any order; those of one member in its order. The stream knows how many members were
 * asked, have answered and have failed, as the broker counts them, and how the request ended. It calls no user code and sends
 * nothing.
 *
 * Credit returns when a quarter of the window was taken. A program that takes answers slowly returns it sooner, with the first
 * answer that it takes DEYE_BUS_STREAM_CREDIT_US after the last credit: the broker ends a request whose requester returns nothing
 * for too long.
 *
 * Invariant: the window bounds what a stream holds. After its end nothing arrives any more, and what it holds can be taken.
 */

#define DEYE_BUS_STREAM_CREDIT_US (50 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  guint refs; /* the client's thread only */
  guint64 id; /* of the request, on the wire; 0: not sent yet */
  guint64 origin;
  DeyeBusWindow window;
  gint64 credit_us; /* when credit was returned last, or the first answer was taken; 0: none was */
  GQueue inbox;     /* of DeyeBusMessage */
  guint asked;
  guint answered;
  guint failed;
  gboolean ended;
  GError *error;    /* how it ended; NULL: as it should */
  gboolean waiting; /* a task waits: an event ANSWER wakes it */
  gboolean waking;  /* an event ANSWER is in the ring */
  gpointer owner;   /* not used by the session */
} DeyeBusStream;

/* With a window of so many messages and bytes. */
DeyeBusStream *deye_bus_stream_new (guint64 messages, guint64 bytes);
DeyeBusStream *deye_bus_stream_ref (DeyeBusStream *stream);
void deye_bus_stream_unref (DeyeBusStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusStream, deye_bus_stream_unref)

/* An answer arrived. Reports of the broker itself, such as that a responder failed, have no accept sequence and need no
 * credit. FALSE: the broker sent it without credit. @message: transfer full */
gboolean deye_bus_stream_put (DeyeBusStream *stream, DeyeBusMessage *message);
/* The oldest answer. NULL: there is none now. @credit: (out): TRUE if credit is to be announced. Transfer full. */
DeyeBusMessage *deye_bus_stream_take (DeyeBusStream *stream, gint64 now_us, gboolean *credit);
/* The request is sent again, on another connection: forgets the answers that were not taken. */
void deye_bus_stream_restart (DeyeBusStream *stream);
/* No answer arrives any more. Takes @error. */
void deye_bus_stream_end (DeyeBusStream *stream, GError *error);
/* Wakes the waiting task, if there is one. */
void deye_bus_stream_wake (DeyeBusStream *stream, DeyeBusEvents *events);
