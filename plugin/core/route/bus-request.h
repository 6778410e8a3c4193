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
 * Each pending request has a route id: the responder copies it into its answer, and the broker finds the request by it. A request
 * of a peer is listed at its requester, which names it by an id of its own, and at its responder, so it ends at once when either
 * disconnects. It has a deadline, so its requester always gets an answer or an ERROR. bus-request-state has the table of states.
 *
 * There are three other kinds. A request to many is a *question*: it has no responder, but *members*, which are requests of their
 * own, one for each server that was asked (bus-many counts their answers). The request of a *task* belongs to a lease:
 * work/bus-lease has its timers and charges its memory, so it has no deadline here and is in no list of a requester. The request
 * that applies *standing* tasks has a deadline, but no peer as its requester. The end of a request is reported to its requester: a
 * peer gets an ERROR; for every other kind of requester the request enters the list of ended requests of that kind
 * (bus_request_next_ended()), so that this module calls no module above it.
 *
 * A request that ends while it waits in the queue of its responder is taken out of the queue. A request that was sent is
 * followed by CANCEL in the same lane. So a CANCEL never overtakes its request, and no request follows its CANCEL.
 *
 * The low bits of a route id name the credit class of the answer, so that an answer that comes too late still costs
 * the credit that its sender counts for it.
 *
 * Invariant: a pending request of a peer is in the list of its requester and in the deadline set and, until its last reply has
 * arrived, in the table of routes and in the list of its responder. A question is in the list of its requester and in the deadline
 * set; its members, and the requests of the broker itself, are in the table of routes and in the lists of their responders.
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
  BusPeer *peer;                /* NULL: the broker itself asks */
  guint64 id;                   /* of the request, chosen by the requester */
  BusRequest *question;         /* of which it is a member; NULL: none */
  struct BusLease *lease;       /* NULL: it belongs to no task */
  struct BusStanding *standing; /* NULL: it applies no standing tasks */
} BusRequester;

/* The members of a question. */
typedef struct
{
  GQueue requests; /* BusRequest, by their asked_link: members that have not ended */
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
  guint64 route_id; /* 0: a question has none */
  BusRequester requester;
  BusPeer *responder;    /* NULL: a question has none */
  gboolean is_answering; /* in the table of routes and in the list of its responder */
  WireLane lane;         /* in which the request is sent */
  WireLane reply_lane;   /* DATA once a reply to it, or to its question, was passed on there */
  BusMark mark;          /* its place in the queue of the responder */
  BusMembers *members;   /* of a question */
  gint64 due_us;         /* its deadline */
  BusStream *stream;     /* the window for its replies; NULL: none */
  gint64 stall_us;       /* the longest pause between two replies; 0: any */
  BusTimer stall_timer;
  BusRequestEnd end; /* in the state ENDED */
  GQueue *asked_in;  /* the list of its requester (a peer or a question), or a list of ended requests; NULL: none */
  GList asked_link;  /* in asked_in */
  GList answering_link;
};

/* The peer that waits for the answer; NULL: the broker itself does. */
static inline BusPeer *
bus_request_peer (const BusRequest *request)
{
  return request->requester.peer;
}

/* The request as its requester made it: @request itself, or the question of which it is a member. */
static inline BusRequest *
bus_request_question (BusRequest *request)
{
  return request->requester.kind == BUS_REQUESTER_QUESTION ? request->requester.question : request;
}

/* Makes a request. The caller has checked max_pending_requests. @responder: NULL for a question only. @topic: of the request. Its
 * lane is set as for an empty request; the caller sets another lane for a large one. */
BusRequest *bus_request_new (BusCore *core,
                             BusPendingKind kind,
                             const BusRequester *requester,
                             BusPeer *responder,
                             WireSpan topic,
                             gint64 due_us);

/* Every reply was passed on to the requester: ends and frees the request. The members of a question that have not ended are
 * withdrawn. */
void bus_request_complete (BusCore *core, BusRequest *request);

/* Frees a request that has ended. */
void bus_request_free (BusCore *core, BusRequest *request);

/* Applies an event to the request. Returns its new state, or a verdict. */
guint bus_request_step (BusCore *core, BusRequest *request, BusRequestEvent event);

/* Gives a request that was not sent yet to another responder. Its route id changes if the new responder counts its answers as
 * another credit class. @topic: of the request */
void bus_request_move (BusCore *core, BusRequest *request, BusPeer *responder, WireSpan topic);

/* The last reply has arrived: releases the responder; the request stays in the list of its requester. FALSE: the responder may not
 * answer it now. */
gboolean bus_request_answered (BusCore *core, BusRequest *request);

/* NULL: it is unknown, has ended, or has another responder. */
BusRequest *bus_request_find (BusCore *core, const BusPeer *responder, guint64 route_id);
BusRequest *bus_request_find_asked (const BusPeer *requester, guint64 id);

/* Lane and class of an answer of @payload_len bytes to the request with that route: those of a request to the same topic. */
WireClassOf bus_request_class (guint64 route_id, gsize payload_len);

/* Withdraws the members of a question that have not ended. */
void bus_request_withdraw_members (BusCore *core, BusRequest *question);

/* Ends it because of @event, and reports the end to its requester: a peer gets an ERROR. */
void
bus_request_fail (BusCore *core, BusRequest *request, BusRequestEvent event, WireStatus status, const char *detail);
/* The same when a queue is full. @excess: (nullable): the bound, which the ERROR names */
void bus_request_fail_full (BusCore *core,
                            BusRequest *request,
                            WireStatus status,
                            const char *detail,
                            const BusExcess *excess);

/* The requester does not wait any more: takes the request out of the queue of its responder, or sends CANCEL behind it, and frees
 * it. */
void bus_request_withdraw (BusCore *core, BusRequest *request);

/* Sends CANCEL, but keeps the request: its requester, a task, waits until the responder has stopped. FALSE: the request was not
 * sent yet, or is answered; withdraw it instead. */
gboolean bus_request_ask_to_stop (BusCore *core, BusRequest *request, WireStatus status);

/* The deadline of a request to one server has passed. */
void bus_request_expire (BusCore *core, BusRequest *request);

/* The peer disconnects: withdraws its own requests, and ends those that it has to answer with RESPONDER_GONE. */
void bus_request_forget_peer (BusPeer *peer);

/* Takes out the oldest request that ended without an answer, for a kind of requester that is no peer. The request is valid until
 * the caller frees it, its responder until the end of the input call. NULL: none. */
BusRequest *bus_request_next_ended (BusCore *core, BusRequesterKind kind);
