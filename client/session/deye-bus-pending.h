/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-publish-result.h"
#include "session/deye-bus-channel.h"
#include "session/deye-bus-kept-frame.h"
#include "session/deye-bus-stream.h"

/*
 * A pending call: a call of the program or of the library that has not ended yet.
 *
 * It has a deadline and ends with a result or an error. deye-bus-pending-table.h contains the pending calls of one session. A
 * pool keeps the structs of calls that have ended for later calls.
 *
 * Invariant: a call is done exactly once.
 */

typedef enum
{
  DEYE_BUS_PENDING_HELLO,     /* ends with WELCOME */
  DEYE_BUS_PENDING_SENT,      /* ends when its frame has credit and is in the out-buffer */
  DEYE_BUS_PENDING_ACK,       /* ends with ACK */
  DEYE_BUS_PENDING_DELIVERED, /* ends with DELIVERED */
  DEYE_BUS_PENDING_REPLY,     /* ends with a final REPLY */
  DEYE_BUS_PENDING_ANSWERS,   /* ends with a final REPLY, or with the broker's report when several members were asked */
  DEYE_BUS_PENDING_FLUSH,     /* ends when the messages before it are written, or the broker has handled them */
  DEYE_BUS_PENDING_RESTORE,   /* ends when one part of a connection is restored; nothing on the wire answers it */
  DEYE_BUS_PENDING_READY,     /* ends when the client is ready; survives connections */
} DeyeBusPendingKind;

typedef struct DeyeBusPendingPool DeyeBusPendingPool;

typedef void (*DeyeBusPendingFunc) (DeyeBusPending *pending);

/* The request of a standing call, which is sent again on each connection (see deye-bus-session-standing). */
typedef struct
{
  const char *topic;     /* static */
  const char *type_name; /* static */
  GBytes *payload;
} DeyeBusStanding;

/* New values for a subscription; 0: the value does not change. */
typedef struct
{
  guint32 policy;
  guint64 queue_messages;
  guint64 queue_bytes;
} DeyeBusAdjustment;

/* For the client's thread only: the reference count is not atomic. */
struct DeyeBusPending
{
  guint refs;
  DeyeBusPendingKind kind;
  guint64 id;         /* on the wire */
  gint64 deadline_us; /* set by the caller */
  gboolean sent;      /* is in the out-buffer, or was written */
  gboolean done;
  GError *error; /* when done; NULL: success */
  DeyeBusMessage *reply;
  DeyeBusPublishResult result;
  GList *waits;            /* its place in the queue of calls that wait for credit; borrowed */
  DeyeBusChannel *channel; /* subscribe, adjust: the channel that the reply is about */
  gboolean adjusts;
  DeyeBusAdjustment adjustment; /* valid if @adjusts */
  gboolean subscribes;          /* the user's subscribe call for @channel */
  gboolean restores;            /* one of the subscribes that restore a connection */
  gboolean republishes;         /* one of the retained messages that are published again */
  gboolean waits_until_ready;   /* a call of a client that is not ready: it is sent when the client is ready */
  gboolean survives;            /* FLUSH: continues when the connection ends */
  gboolean sent_before;         /* was sent on an earlier connection and has no answer */
  guint64 message_id;      /* the broker recognises it by this number when it is sent again; 0: it is not sent again */
  gint64 since_us;         /* when the call was made; only set with @message_id, or if it is @waits_until_ready */
  guint64 unasked;         /* number of publishes without an answer that its connection sent before it */
  DeyeBusKeptFrame *frame; /* is sent on the next connection; NULL: the call is not sent there */
  DeyeBusStream *stream;   /* ANSWERS */
  DeyeBusStanding *standing; /* NULL: it is no standing call */

  /* Asynchronous calls: called by the dispatch of the event DONE. NULL: the caller polls @done. */
  DeyeBusPendingFunc complete;
  gpointer data;
  GSource *cancelled; /* the caller's watch on its cancellable */

  DeyeBusPending *next_of_id; /* in the table, or in the pool */
  DeyeBusPendingPool *pool;   /* gets the struct back; NULL: the struct is freed */
};

/* A pool of structs, for the client's thread only. It lives until the client has released it and the last call that was taken from
 * it is freed. */
DeyeBusPendingPool *deye_bus_pending_pool_new (void);
void deye_bus_pending_pool_unref (DeyeBusPendingPool *pool);
/* Like deye_bus_pending_new(), but with a struct of the pool: for calls that a program makes often. */
DeyeBusPending *deye_bus_pending_take (DeyeBusPendingPool *pool, DeyeBusPendingKind kind, gint64 deadline_us);

DeyeBusPending *deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us);
/* Makes it a standing call. @payload: a reference is taken. */
void deye_bus_pending_set_standing (DeyeBusPending *pending, const DeyeBusStanding *standing);
DeyeBusPending *deye_bus_pending_ref (DeyeBusPending *pending);
void deye_bus_pending_unref (DeyeBusPending *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPending, deye_bus_pending_unref)

/* The error of a call whose deadline has passed. */
GError *deye_bus_pending_error_overdue (const DeyeBusPending *pending);
