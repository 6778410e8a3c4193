/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-channel.h"
#include "deye-bus-client.h"
#include "deye-bus-events.h"
#include "deye-bus-options-private.h"
#include "deye-bus-outbuf.h"
#include "wire-class.h"

/*
 * One connection, sans-I/O: bytes in, events out; calls in, bytes out.
 *
 * There is no socket, clock, context or callback in here. The moment is handed in, what happened is appended to the
 * client's events, what is to be sent to the out-buffer. So a GSource can pump it in asynchronous use, and a plain
 * poll() during a synchronous call, and both go through the same code.
 *
 *   bytes -> frame -> envelope -> handler of the kind -> event
 *   call  -> credit? -> out-buffer, else it waits in the queue of its credit class
 *
 * Invariant: a call is in the table of pending ones until it is done; it is done exactly once, at the latest when its
 * deadline comes or the connection ends.
 */

typedef struct DeyeBusSession DeyeBusSession;

typedef enum
{
  DEYE_BUS_PENDING_HELLO,     /* ends with WELCOME */
  DEYE_BUS_PENDING_SENT,      /* ends when it got credit and stands in the out-buffer */
  DEYE_BUS_PENDING_ACK,       /* ends with ACK */
  DEYE_BUS_PENDING_DELIVERED, /* ends with DELIVERED */
  DEYE_BUS_PENDING_REPLY,     /* ends with a final REPLY */
} DeyeBusPendingKind;

typedef struct DeyeBusPending DeyeBusPending;
typedef void (*DeyeBusPendingFunc) (DeyeBusPending *pending);

/* A call that waits for its end. Not atomic. */
struct DeyeBusPending
{
  guint refs;
  DeyeBusPendingKind kind;
  guint64 id;         /* on the wire */
  gint64 deadline_us; /* set by the caller */
  gboolean sent;      /* stands in the out-buffer, or went */
  gboolean done;
  GError *error; /* done: NULL is success */
  DeyeBusMessage *reply;
  DeyeBusPublishResult result;
  GList *waits;            /* in the queue of those that wait for credit; borrowed */
  DeyeBusChannel *channel; /* subscribing, adjusting: whose window or bounds the reply tells */
  gboolean adjusts;

  /* Asynchronous calls: told by an event DONE, called by who dispatches it. NULL: somebody looks at done. */
  DeyeBusPendingFunc complete;
  gpointer data;
  GSource *cancelled; /* the caller's watch on its cancellable */
};

DeyeBusPending *deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us);
DeyeBusPending *deye_bus_pending_ref (DeyeBusPending *pending);
void deye_bus_pending_unref (DeyeBusPending *pending);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusPending, deye_bus_pending_unref)

typedef enum
{
  DEYE_BUS_SESSION_HELLO, /* said, not answered */
  DEYE_BUS_SESSION_READY,
  DEYE_BUS_SESSION_ENDED, /* nothing comes in or goes out any more, but what is in the out-buffer */
} DeyeBusSessionState;

typedef struct
{
  const char *id;
  const char *type; /* nullable */
  guint32 role;
  guint64 incarnation;
  const char *software_version;
} DeyeBusHello;

/* Says hello. @events: the client's, outlive the session. @hello_pending: done with WELCOME or the refusal. */
DeyeBusSession *deye_bus_session_new (const DeyeBusHello *hello, DeyeBusEvents *events, DeyeBusPending *hello_pending);
/* Ends it first, when it has not. */
void deye_bus_session_free (DeyeBusSession *session);

DeyeBusSessionState deye_bus_session_state (const DeyeBusSession *session);
/* Why it ended; NULL before. */
const GError *deye_bus_session_reason (const DeyeBusSession *session);

typedef struct
{
  guint64 epoch;
  guint64 largest_payload;
  guint64 features; /* that both sides know, of wire-feature */
  guint32 role;
  char *software_version;
} DeyeBusWelcome;
const DeyeBusWelcome *deye_bus_session_welcome (const DeyeBusSession *session);

typedef struct
{
  guint64 published; /* directs and broadcasts, too */
  guint64 requested;
  guint64 answered;
  guint64 received; /* messages and requests */
  guint64 missed;   /* told by GAP */
} DeyeBusCounts;
const DeyeBusCounts *deye_bus_session_counts (const DeyeBusSession *session);
/* Calls that wait for their end; and for credit. */
guint deye_bus_session_n_pending (const DeyeBusSession *session);
guint deye_bus_session_n_waiting (const DeyeBusSession *session);
/* Of DeyeBusChannel, borrowed, by their ids. */
GPtrArray *deye_bus_session_list_channels (const DeyeBusSession *session);

/* --- bytes --- */

void deye_bus_session_received (DeyeBusSession *session, const guint8 *bytes, gsize len, gint64 now_us);
/* Where a large frame that has begun may be read to directly (0: nowhere), and how much came there. */
gsize deye_bus_session_place (DeyeBusSession *session, guint8 **where);
void deye_bus_session_placed (DeyeBusSession *session, gsize n, gint64 now_us);
DeyeBusOutbuf *deye_bus_session_out (DeyeBusSession *session);

/* The other side closed, or the socket failed. */
void deye_bus_session_lost (DeyeBusSession *session, const char *why);
/* Any other reason; takes @reason. Harmless when it has ended. */
void deye_bus_session_fail (DeyeBusSession *session, GError *reason);
/* Our own wish: GOODBYE is the last frame; pending calls end with CLOSED. */
void deye_bus_session_close (DeyeBusSession *session);

/* Deadlines, and credit that waits to go back: call tick() at or after this moment (G_MAXINT64: not needed); early is harmless. */
gint64 deye_bus_session_next_us (const DeyeBusSession *session);
void deye_bus_session_tick (DeyeBusSession *session, gint64 now_us);

/* --- calls --- */

typedef struct
{
  guint8 kind; /* PUBLISH, REQUEST or REPLY */
  guint8 flags;
  const char *topic;             /* REPLY: of the request */
  const char *target;            /* nullable; before the options' */
  const char *type_name;         /* nullable; before the options' */
  GBytes *payload;               /* nullable */
  const DeyeBusOptions *options; /* nullable */
  guint64 deadline_us;           /* relative, told to the broker; 0: none */
  guint64 route;                 /* REPLY */
  guint32 status;                /* REPLY: an error */
  const char *error_name;
  const char *detail;
} DeyeBusCall;

/* Whether a call like this would go out now. */
gboolean deye_bus_session_has_credit (const DeyeBusSession *session, const DeyeBusCall *call);

/* Encodes and sends, or lets it wait for credit. @pending: (nullable): NULL when nobody wants to know; a failure that the
 * broker tells is REFUSED then. FALSE: nothing was sent, @pending is untouched. */
gboolean
deye_bus_session_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* Gives a call up. The broker is told when it may be working on it. */
void deye_bus_session_cancel (DeyeBusSession *session, DeyeBusPending *pending, GError *reason);

/* Whether @request still waits for an answer; and: it is answered now. */
gboolean deye_bus_session_is_open (const DeyeBusSession *session, const DeyeBusMessage *request);
void deye_bus_session_answered (DeyeBusSession *session, const DeyeBusMessage *request);

/* --- channels --- */

guint32 deye_bus_session_new_channel_id (DeyeBusSession *session);
void deye_bus_session_add_channel (DeyeBusSession *session, DeyeBusChannel *channel);
/* Nothing more comes for it; tells ENDED. Harmless when it was removed. */
void deye_bus_session_remove_channel (DeyeBusSession *session, DeyeBusChannel *channel);

/* @message was handled for @channel (@called: by a callback or by next()): credit goes back when a quarter of the window
 * has come together, or a second later; under the policy block also when nothing is left to handle. DELIVERED when
 * wanted. */
void
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called);
/* Policy block: credit goes back however little it is. Nothing for others. */
void deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel);
