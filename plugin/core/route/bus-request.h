/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-peer.h"
#include "queue/bus-stream.h"
#include "route/bus-request-state.h"

/*
 * Pending requests: requests that wait for an answer. (bus-confirm has the publishers that wait until a message was
 * handled.)
 *
 * Each has a route id: the responder copies it into its answer, and the broker finds the requester by it. A pending
 * request is listed at its requester, which finds it by its own id, and at its responder, so when either disconnects
 * it ends at once; it always has a deadline, so no requester waits in silence. bus-request-state has the table of its
 * states.
 *
 * A request to many is a *question*: it has no responder, but *members*, a request of its own for each server that was
 * asked (bus-many counts their answers). The request of a *task* is that of a lease: the module of leases has its timers and pays
 * for it, so it is in no list of a requester while it waits, and has no deadline here. That of *standing* tasks has no peer that asks,
 * and is in no list of a requester either. The end of a request is reported to its requester: a peer gets an ERROR, every
 * other kind of requester finds the request in the list of its kind (bus_request_next_ended()), so this module calls
 * nobody above it.
 *
 * A request that ends while it waits in the queue of its responder is taken out of the queue. One that was sent is
 * followed by CANCEL in the same lane. So a CANCEL never overtakes its request, and no request follows its CANCEL.
 *
 * The low bits of a route id name the credit class of the answer, so that an answer that comes too late still costs
 * what its sender expects.
 *
 * Invariant: a pending request is in the table of routes, in both lists and in the deadline set, or in none of them (that of a
 * task: in the table of routes and in the list of its responder); a question is in the list of its requester and in the deadline set, its members are in the table of routes and in
 * the lists of their responders.
 */

typedef enum
{
  BUS_PENDING_REPLY,    /* a REQUEST: ends with a final REPLY */
  BUS_PENDING_QUESTION, /* a REQUEST to many: ends with the end frame of bus-many */
} BusPendingKind;

typedef struct BusRequest BusRequest;

/* The side that waits for the answer. */
typedef struct
{
  BusRequesterKind kind;
  BusPeer *peer;                /* NULL: of the broker itself */
  guint64 id;                   /* of the request, chosen by the requester */
  BusRequest *question;         /* NULL: it is none of its members */
  struct BusLease *lease;       /* NULL: it is of no task */
  struct BusStanding *standing; /* NULL: it applies no standing tasks */
} BusRequester;

/* The members of a question. */
typedef struct
{
  GQueue requests; /* BusRequest, by their asked_link: those that have not ended */
  guint wanted;    /* answers after which the question ends */
  guint asked;
  guint answered;
  guint failed;
} BusMembers;

/* The end of a request. */
typedef struct
{
  WireStatus status;
  const char *detail; /* static */
  BusExcess excess;
  gboolean has_excess;
} BusRequestEnd;

struct BusRequest
{
  BusTimer timer;
  BusPendingKind kind;
  BusRequestState state;
  guint64 route_id; /* 0: of a question */
  BusRequester requester;
  BusPeer *responder;    /* NULL: of a question */
  gboolean is_answering; /* in the table of routes and in the list of its responder */
  WireLane lane;         /* in which it is sent */
  WireLane reply_lane;   /* DATA once a reply of it, or of its question, travelled there */
  BusMark mark;          /* where it is on its way to the responder */
  BusMembers *members;   /* of a question */
  gint64 due_us;         /* its deadline */
  BusStream *stream;     /* the window of its replies; NULL: none */
  gint64 stall_us;       /* the longest pause between two replies; 0: any */
  BusTimer stall_timer;
  BusRequestEnd end; /* ENDED */
  GQueue *asked_in;  /* the list of its requester (a peer or a question), or that of ended ones */
  GList asked_link;  /* in it */
  GList answering_link;
};

/* The peer that waits for the answer; NULL: a task does. */
static inline BusPeer *
bus_request_peer (const BusRequest *request)
{
  return request->requester.peer;
}

/* The request that the requester made: itself, or the question that it is a member of. */
static inline BusRequest *
bus_request_question (BusRequest *request)
{
  return request->requester.kind == BUS_REQUESTER_QUESTION ? request->requester.question : request;
}

/* The caller has checked max_pending_requests. @responder: NULL for a question only. @topic: of the request. Its lane is
 * that of an empty request; the caller of a large one sets another. */
BusRequest *bus_request_new (BusCore *core,
                             BusPendingKind kind,
                             const BusRequester *requester,
                             BusPeer *responder,
                             WireSpan topic,
                             gint64 due_us);

/* Everything that answers it was passed on to the requester: it ends and is freed. The members of a question that have
 * not ended are withdrawn. */
void bus_request_complete (BusCore *core, BusRequest *request);

/* It has ended. */
void bus_request_free (BusCore *core, BusRequest *request);

/* Something happened to it. Returns its new state, or a verdict. */
guint bus_request_step (BusCore *core, BusRequest *request, BusRequestEvent event);

/* It was not sent to its responder yet, and another one gets it. It has another route afterwards if that one counts its answers
 * as another class. @topic: of the request */
void bus_request_move (BusCore *core, BusRequest *request, BusPeer *responder, WireSpan topic);

/* The last reply has arrived: only the requester finds it from now on. FALSE: the responder may not answer it now. */
gboolean bus_request_answered (BusCore *core, BusRequest *request);

/* NULL when it is unknown (ended already) or not this responder's. */
BusRequest *bus_request_find (BusCore *core, const BusPeer *responder, guint64 route_id);
BusRequest *bus_request_find_asked (const BusPeer *requester, guint64 id);

/* Lane and class of an answer of @payload_len to the request with that route: as a request to its topic would have. */
WireClassOf bus_request_class (guint64 route_id, gsize payload_len);

/* The members of a question that have not ended are withdrawn. */
void bus_request_withdraw_members (BusCore *core, BusRequest *question);

/* Ends it because of @event, with an ERROR to the requester. */
void
bus_request_fail (BusCore *core, BusRequest *request, BusRequestEvent event, WireStatus status, const char *detail);
/* The same when a queue is full; names limit, value and setting. @excess: (nullable) */
void bus_request_fail_full (BusCore *core,
                            BusRequest *request,
                            WireStatus status,
                            const char *detail,
                            const BusExcess *excess);

/* The requester does not wait any more: the request is taken out of the queue of its responder, or followed by CANCEL,
 * and freed. */
void bus_request_withdraw (BusCore *core, BusRequest *request);

/* The requester, a task, does not want the answer any more, but waits until the responder has stopped: sends CANCEL and keeps the
 * request. FALSE: the responder was not sent the request, or has answered; withdraw it. */
gboolean bus_request_ask_to_stop (BusCore *core, BusRequest *request, WireStatus status);

/* The deadline of a request that is no question came. */
void bus_request_expire (BusCore *core, BusRequest *request);

/* The peer disconnects: its own requests are withdrawn, those that it should answer fail with RESPONDER_GONE. */
void bus_request_forget_peer (BusPeer *peer);

/* Takes the oldest request out that ended without an answer, of a kind of requester that is no peer. It is valid until the
 * caller frees it, its responder until the end of this input call. NULL: none. */
BusRequest *bus_request_next_ended (BusCore *core, BusRequesterKind kind);
