/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error-private.h"
#include "deye-bus-message-private.h"
#include "deye-bus-session.h"

/* Shared by deye-bus-session.c (life), -receive.c (frames in) and -send.c (frames out). */

/* For a WireEnvelope that is set before it is read: its kilobyte of tags need not be cleared for each message. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define DEYE_BUS_UNINITIALIZED __attribute__ ((uninitialized))
#endif
#endif
#ifndef DEYE_BUS_UNINITIALIZED
#define DEYE_BUS_UNINITIALIZED
#endif

/* Of each class: a flood of events keeps nobody from sending a result, or from unsubscribing. */
#define DEYE_BUS_WAITING_MAX_CALLS 65536u
#define DEYE_BUS_WAITING_MAX_BYTES (64u << 20)
#define DEYE_BUS_CREDIT_LATEST_US  G_TIME_SPAN_SECOND
#define DEYE_BUS_ROUTES_MAX        65536u
#define DEYE_BUS_PONG_MAX_BYTES    (1u << 20) /* above this much unsent, a PING is not answered */

/* A call that waits for credit, encoded. */
typedef struct
{
  DeyeBusPending *pending; /* nullable */
  GBytes *payload;         /* nullable: bytes that follow the head */
  WireClass credit_class;
  guint8 kind;
  gsize head_len;
  guint8 head[];
} DeyeBusWaiting;

struct DeyeBusSession
{
  DeyeBusSessionState state;
  guint64 origin; /* tells what came on this connection from what came on an earlier one */
  GError *reason;
  GError *broker_said; /* an ERROR about the connection, before it goes */
  DeyeBusWelcome welcome;
  DeyeBusCounts counts;
  DeyeBusEvents *events;
  DeyeBusPending *hello;

  WireFrameReader reader;
  DeyeBusOutbuf out;

  guint64 last_id;
  GHashTable *pending;  /* DeyeBusPending by its id */
  gint64 next_us;       /* not later than the soonest deadline */
  gboolean owes_credit; /* something was handled, and its credit waits for a quarter of the window */
  gint64 rest_us;       /* ... or for this moment; 0: tick() did not see it yet */

  guint32 last_channel;
  GHashTable *channels;   /* DeyeBusChannel by id */
  DeyeBusChannel *recent; /* the last one looked up; borrowed */
  GHashTable *routes;     /* set of guint64: requests that we have not answered */

  DeyeBusWindow publish[WIRE_N_CLASSES];
  GQueue waiting[WIRE_N_CLASSES]; /* of DeyeBusWaiting */
  gsize waiting_bytes[WIRE_N_CLASSES];
};

/* Marks it done and tells it. Takes @error (NULL: success). */
void deye_bus_session_finish (DeyeBusSession *session, DeyeBusPending *pending, GError *error);

DeyeBusChannel *deye_bus_session_find_channel (DeyeBusSession *session, guint32 id);

/* A frame that costs no credit, without payload. */
void deye_bus_session_put (DeyeBusSession *session, guint8 kind, const WireEnvelope *envelope);
void deye_bus_session_put_body (DeyeBusSession *session, guint8 kind, WireSpan body);

/* Sends what waits and has credit now. */
void deye_bus_session_drain (DeyeBusSession *session, WireClass credit_class);
/* Drops what waits without telling. */
void deye_bus_session_forget_waiting (DeyeBusSession *session);

/* One whole frame of the broker. */
void deye_bus_session_frame (DeyeBusSession *session, WireFrame *frame, gint64 now_us);
