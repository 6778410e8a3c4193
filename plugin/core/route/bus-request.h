/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-peer.h"

/*
 * Pending requests: requests that wait for an answer, and direct messages whose publisher wants to know that they
 * were handled.
 *
 * Each has a route id: the responder copies it into its answer, and the broker finds the requester by it. A pending
 * request is listed at its requester and at its responder, so when either disconnects it ends at once; it always has
 * a deadline, so no requester waits in silence.
 *
 * The low bits of a route id name the credit class of the answer, so that an answer that comes too late still costs
 * what its sender expects.
 *
 * Invariant: a pending request is in the table, in both lists and in the deadline set, or in none of them.
 */

typedef enum
{
  BUS_PENDING_REPLY,     /* a REQUEST: ends with a final REPLY */
  BUS_PENDING_DELIVERED, /* a direct PUBLISH: ends with DELIVERED */
} BusPendingKind;

typedef enum
{
  BUS_REQUESTER_PEER, /* a peer that sent the request */
} BusRequesterKind;

/* The side that waits for the answer. */
typedef struct
{
  BusRequesterKind kind;
  BusPeer *peer;
  guint64 id; /* of the request, chosen by the requester */
} BusRequester;

typedef struct
{
  BusTimer timer;
  BusPendingKind kind;
  guint64 route_id;
  BusRequester requester;
  BusPeer *responder;
  GList asked_link;
  GList answering_link;
} BusRequest;

/* The peer that waits for the answer. The requester must be one. */
static inline BusPeer *
bus_request_peer (const BusRequest *request)
{
  g_assert (request->requester.kind == BUS_REQUESTER_PEER);
  return request->requester.peer;
}

/* The caller has checked max_pending_requests. @topic: of the request. */
BusRequest *bus_request_new (BusCore *core,
                             BusPendingKind kind,
                             const BusRequester *requester,
                             BusPeer *responder,
                             WireSpan topic,
                             gint64 due_us);
void bus_request_free (BusCore *core, BusRequest *request);

/* It was not sent to its responder yet, and another one gets it. */
void bus_request_move (BusRequest *request, BusPeer *responder);

/* NULL when it is unknown (ended already) or not this responder's. */
BusRequest *bus_request_find (BusCore *core, const BusPeer *responder, guint64 route_id);
BusRequest *bus_request_find_asked (const BusPeer *requester, guint64 id);

/* Lane and class of an answer of @payload_len to the request with that route: as a request to its topic would have. */
WireClassOf bus_request_class (guint64 route_id, gsize payload_len);

/* Ends it with an ERROR to the requester. */
void bus_request_fail (BusCore *core, BusRequest *request, WireStatus status, const char *detail);
/* The same when a queue is full; names limit, value and setting. @excess: (nullable) */
void bus_request_fail_full (BusCore *core,
                            BusRequest *request,
                            WireStatus status,
                            const char *detail,
                            const BusExcess *excess);
/* Sends CANCEL to the responder, because the requester does not wait any more, and frees it. */
void bus_request_withdraw (BusCore *core, BusRequest *request);

/* Its deadline came. */
void bus_request_expire (BusCore *core, BusRequest *request);
/* The peer disconnects: its own requests are withdrawn, those that it should answer fail with RESPONDER_GONE. */
void bus_request_forget_peer (BusPeer *peer);
