/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

#include <glib.h>

/*
 * The model of requests: the frames that each requester and each responder may get about a request. Like sim-model it knows the
 * protocol as the documents state it, and includes no header of the core.
 *
 * A reply carries its route, its place among the replies of that route, and its place among those of its kind, so that order
 * and completeness can be checked from the received replies alone.
 *
 * For each request: it ends exactly once, and nothing follows a final reply. Replies of a route arrive in order; each part of
 * an answer arrives; a report of progress counts the reports that it replaced. The window is never exceeded. The counts of a
 * request to many agree with the replies. A responder gets a request at most once, and never after it was withdrawn. It gets
 * CANCEL only after its request and at most once, and it always gets CANCEL if its answer is not needed any more.
 */

typedef struct SimRequests SimRequests;

/* The beginning of the payload of a reply. */
typedef struct
{
  guint64 route;
  guint64 asker; /* of the request: connection and id */
  guint32 place; /* of this reply, from 1 on */
  guint32 nth;   /* of its kind: progress, or a part of the answer */
  guint32 is_progress;
  guint32 is_final;
} SimReplyMark;

SimRequests *sim_requests_new (void);
void sim_requests_free (SimRequests *requests);

/* A connection sends a request. @wanted: number of answers; 0 or 1: to one server. @messages, @bytes: its window; 0: none */
void sim_requests_ask (SimRequests *requests,
                       guint connection,
                       guint64 id,
                       guint wanted,
                       guint64 messages,
                       guint64 bytes,
                       gboolean is_lazy);
gboolean sim_requests_is_asked (const SimRequests *requests, guint connection, guint64 id);
/* The broker has seen its CANCEL. */
void sim_requests_cancelled (SimRequests *requests, guint connection, guint64 id);

/* Returns the mark of the next reply of a route. */
SimReplyMark sim_requests_next_reply (SimRequests *requests, guint64 route, gboolean is_progress, gboolean is_final);

/* --- frames that a responder received. They return the fault (static), or NULL --- */

const char *sim_requests_got_request (SimRequests *requests, guint connection, const WireEnvelope *envelope);
const char *sim_requests_got_cancel (SimRequests *requests, guint connection, const WireEnvelope *envelope);

/* --- frames that a requester received --- */

/* The kind of a reply, for coverage. */
typedef enum
{
  SIM_REPLY_FOREIGN, /* of a request that the model does not know */
  SIM_REPLY_PART,
  SIM_REPLY_MERGED,    /* a progress that replaced others */
  SIM_REPLY_ANSWERED,  /* the last one of a responder */
  SIM_REPLY_FAILED,    /* a member failed */
  SIM_REPLY_END_OK,    /* of a request to many */
  SIM_REPLY_END_FIRST, /* the same, before all members had answered */
  SIM_REPLY_END_PARTIAL,
} SimReplyKind;

const char *sim_requests_got_reply (SimRequests *requests,
                                    guint connection,
                                    guint8 flags,
                                    const WireEnvelope *envelope,
                                    SimReplyKind *kind);
/* Also returns NULL if the ERROR answers another frame. */
const char *sim_requests_got_error (SimRequests *requests, guint connection, guint64 id);

/* --- credit --- */

/* Returns the next request of the connection for which credit has to be returned. @all: also those that delay their credit.
 * FALSE: none. @messages, @bytes: the totals */
gboolean sim_requests_return_credit (SimRequests *requests,
                                     guint connection,
                                     gboolean all,
                                     guint64 *id,
                                     guint64 *messages,
                                     guint64 *bytes);

/* --- actions of the broker on a route, as check-requests sees them --- */

/* The request was removed from the queue of its responder, and must not be delivered. */
void sim_requests_withdrawn (SimRequests *requests, guint64 route);
/* The request ended while it waited, or just after it was sent: if it arrives, CANCEL follows. */
void sim_requests_ended (SimRequests *requests, guint64 route);
/* The request was sent and has ended without an answer: its responder gets CANCEL. */
void sim_requests_expect_cancel (SimRequests *requests, guint64 route);

/* Checks the end; called when nothing is in transit any more. @lives: TRUE for a connection that has not ended. Returns NULL if
 * there is no fault. */
const char *
sim_requests_finish (SimRequests *requests, gboolean (*lives) (guint connection, gpointer data), gpointer data);
