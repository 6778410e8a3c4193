/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-events.h"
#include "session/deye-bus-window.h"

/*
 * A stream: the session's side of a request with more than one answer. It keeps the answers that have arrived and that the
 * program has not taken, and the window that limits how many answers the broker sends.
 *
 * Answers of different members arrive in any order, those of one member in the order of sending. The stream has the broker's
 * counts of members that were asked, have answered and have failed, and the outcome of the request. It calls no user code and
 * sends nothing.
 *
 * Credit is returned when the program has taken a quarter of the window. If it takes answers slowly, credit is returned
 * earlier, with the first answer that it takes DEYE_BUS_STREAM_CREDIT_US after the last credit, because the broker ends a
 * request whose requester returns no credit for too long.
 *
 * Invariant: the window bounds the number of answers in a stream. After its end no answer arrives, and the ones in it can be
 * taken.
 */

#define DEYE_BUS_STREAM_CREDIT_US (50 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  guint refs; /* the client's thread only */
  guint64 id; /* of the request, on the wire; 0: not sent yet */
  guint64 origin;
  DeyeBusWindow window;
  gint64 credit_us; /* time of the last credit, or of the first answer that was taken; 0: none was */
  GQueue inbox;     /* of DeyeBusMessage */
  guint asked;
  guint answered;
  guint failed;
  gboolean ended;
  GError *error;    /* the reason for the end; NULL: success */
  gboolean waiting; /* a task waits, and an event ANSWER wakes it */
  gboolean waking;  /* an event ANSWER is in the ring */
  gpointer owner;   /* not used by the session */
} DeyeBusStream;

/* @messages, @bytes: the size of the window. */
DeyeBusStream *deye_bus_stream_new (guint64 messages, guint64 bytes);
DeyeBusStream *deye_bus_stream_ref (DeyeBusStream *stream);
void deye_bus_stream_unref (DeyeBusStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusStream, deye_bus_stream_unref)

/* Adds an answer that has arrived. The broker's own reports, such as that a responder failed, have no accept sequence and need no
 * credit. FALSE: the broker sent the answer without credit. @message: transfer full */
gboolean deye_bus_stream_put (DeyeBusStream *stream, DeyeBusMessage *message);
/* Takes the oldest answer. NULL: there is none now. @credit: (out): TRUE if the caller has to send a CREDIT frame. Transfer
 * full. */
DeyeBusMessage *deye_bus_stream_take (DeyeBusStream *stream, gint64 now_us, gboolean *credit);
/* The request is sent again on another connection: drops the answers that were not taken. */
void deye_bus_stream_restart (DeyeBusStream *stream);
/* No answer arrives any more. Takes @error. */
void deye_bus_stream_end (DeyeBusStream *stream, GError *error);
/* Wakes the waiting task, if there is one. */
void deye_bus_stream_wake (DeyeBusStream *stream, DeyeBusEvents *events);
