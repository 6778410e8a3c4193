/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-publish-result.h"
#include "session/deye-bus-channel.h"
#include "session/deye-bus-kept-frame.h"
#include "session/deye-bus-stream.h"

/*
 * Pending calls: calls that wait for their end, and the table of those of one connection.
 *
 * A pending call has a deadline and ends with a result or an error. The table finds the call that an answer belongs to,
 * and says which calls are overdue. It reads no clock and sends nothing.
 *
 * Invariant: a call is in the table until it is done, and it is done exactly once.
 */

typedef enum
{
  DEYE_BUS_PENDING_HELLO,     /* ends with WELCOME */
  DEYE_BUS_PENDING_SENT,      /* ends when it got credit and is in the out-buffer */
  DEYE_BUS_PENDING_ACK,       /* ends with ACK */
  DEYE_BUS_PENDING_DELIVERED, /* ends with DELIVERED */
  DEYE_BUS_PENDING_REPLY,     /* ends with a final REPLY */
  DEYE_BUS_PENDING_ANSWERS,   /* as before, or with the broker's report when several members were asked */
  DEYE_BUS_PENDING_FLUSH,     /* ends when what was queued before it is written, or was handled by the broker */
  DEYE_BUS_PENDING_RESTORE,   /* ends when one part of a connection is restored; nothing on the wire answers it */
  DEYE_BUS_PENDING_READY,     /* ends when the client is ready; survives connections */
} DeyeBusPendingKind;

typedef void (*DeyeBusPendingFunc) (DeyeBusPending *pending);

/* The request of a standing call, which is sent again on each connection (see deye-bus-session-standing). */
typedef struct
{
  const char *topic;     /* static */
  const char *type_name; /* static */
  GBytes *payload;
} DeyeBusStanding;

/* New values of a subscription; 0: stays as it is. */
typedef struct
{
  guint32 policy;
  guint64 queue_messages;
  guint64 queue_bytes;
} DeyeBusAdjustment;

/* The reference count is not atomic: the client's thread only. */
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
  DeyeBusAdjustment adjustment; /* when it @adjusts */
  gboolean subscribes;          /* the user's subscribe call for @channel */
  gboolean restores;            /* one of the subscribes that restore a connection */
  gboolean republishes;         /* one of the retained messages that are published again */
  gboolean patient;             /* waits until the client is ready, and is sent then */
  gboolean survives;            /* FLUSH: goes on when the connection ends */
  gboolean tried;               /* was sent on an earlier connection, and not answered */
  guint64 message_id;           /* by which the broker recognises it when it is sent again; 0: it is not */
  gint64 since_us;              /* of @message_id, or when @patient: when the call was made */
  guint64 unasked;              /* publishes without an answer that were sent before it on its connection */
  DeyeBusKeptFrame *frame;      /* to send it on the next connection; NULL: it is not */
  DeyeBusStream *stream;        /* ANSWERS */
  DeyeBusStanding *standing;    /* NULL: it is no standing call */

  /* Asynchronous calls: run by the dispatch of the event DONE. NULL: the caller polls done. */
  DeyeBusPendingFunc complete;
  gpointer data;
  GSource *cancelled; /* the caller's watch on its cancellable */
};

DeyeBusPending *deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us);
/* Makes it a standing call. @payload: a reference is taken. */
void deye_bus_pending_set_standing (DeyeBusPending *pending, const DeyeBusStanding *standing);
DeyeBusPending *deye_bus_pending_ref (DeyeBusPending *pending);
void deye_bus_pending_unref (DeyeBusPending *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPending, deye_bus_pending_unref)

/* The error of a call whose deadline came. */
GError *deye_bus_pending_error_overdue (const DeyeBusPending *pending);

/* The handshake has no id on the wire and is not among the others. */
typedef struct
{
  DeyeBusEvents *events; /* borrowed */
  DeyeBusPending *hello; /* NULL: done */
  GHashTable *by_id;
  gint64 next_us; /* not later than the earliest deadline */
} DeyeBusPendingTable;

/* @hello: (nullable). */
void deye_bus_pending_table_init (DeyeBusPendingTable *table, DeyeBusEvents *events, DeyeBusPending *hello);
void deye_bus_pending_table_clear (DeyeBusPendingTable *table);

void deye_bus_pending_table_add (DeyeBusPendingTable *table, DeyeBusPending *pending, guint64 id);
/* The call that an answer with @id belongs to. NULL: none, or it was not sent yet and can have no answer. */
DeyeBusPending *deye_bus_pending_table_find (const DeyeBusPendingTable *table, guint64 id);

/* Ends @pending. Takes @error (NULL: success). */
void deye_bus_pending_table_finish (DeyeBusPendingTable *table, DeyeBusPending *pending, GError *error);
/* The connection ended: ends all calls, in the order of their ids. */
void deye_bus_pending_table_fail_all (DeyeBusPendingTable *table, const GError *reason);
/* The same, and another connection follows: calls that can wait for it stay, as unsent ones. */
void deye_bus_pending_table_suspend (DeyeBusPendingTable *table, const GError *reason);
/* The next connection begins. */
void deye_bus_pending_table_reopen (DeyeBusPendingTable *table, DeyeBusPending *hello);
/* Calls that have a kept frame, in the order of their ids, as references. */
GPtrArray *deye_bus_pending_table_list_kept (const DeyeBusPendingTable *table);
/* An unsent call leaves the table; it is added again under the id with which it is sent. */
void deye_bus_pending_table_forget (DeyeBusPendingTable *table, DeyeBusPending *pending);
/* Standing calls that are not sent, in the order of their ids, as references. */
GPtrArray *deye_bus_pending_table_list_standing (const DeyeBusPendingTable *table);

/* Calls whose deadline has come at @now_us, as references. The caller ends them. */
GPtrArray *deye_bus_pending_table_list_overdue (DeyeBusPendingTable *table, gint64 now_us);
