/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "wire-envelope.h"
#include "wire-frame.h"
#include "wire-guard.h"

/*
 * The core alone, with a clock that the test moves, and clients that send and receive frames without sockets.
 *
 * A Client makes frames of the test's calls, and keeps each frame that the broker sends. The fixture does not know the expected
 * answers. core_teardown() disconnects the remaining clients and asserts that nothing stays charged.
 */

typedef struct
{
  BusCore *core;
  gint64 now_us;
  guint64 features; /* features in the HELLO of clients */
  GPtrArray *clients;
  guint64 mark; /* see core-pressure.h */
} Core;

/* A frame from the broker; spans point into bytes. */
typedef struct
{
  guint8 kind;
  guint8 flags;
  guint8 *bytes;
  WireEnvelope envelope; /* not for HELLO, WELCOME, GOODBYE */
  WireSpan body;
} Got;

typedef struct
{
  Core *core;
  BusPeer *peer;
  WireFrameReader reader;
  GQueue got; /* Got, oldest first */
  guint64 next_id;
  gboolean closed;     /* the broker has closed the peer, or it is disconnected */
  gboolean is_stopped; /* does not read its queue */
  gboolean has_bytes;  /* the core has notified it of bytes, which it has not read */
  guint32 goodbye;     /* status in the received GOODBYE */
  char *goodbye_detail;
  guint64 goodbye_retry_us;
  BusConnectRefusal refusal; /* the reason, if no peer was made for it */
  GHashTable *accounts;      /* subscription -> ClientAccount */
  gsize piece;               /* bytes arrive in pieces of this size; 0: each call is one piece */
  GByteArray *batch;         /* frames that will arrive in one piece; NULL: each frame arrives when it is sent */
} Client;

/* The window of one subscription, and the messages that it received. */
typedef struct
{
  guint64 window_messages;
  guint64 window_bytes;
  guint64 messages;
  guint64 bytes; /* of payloads */
  guint64 returned_messages;
  guint64 returned_bytes;
} ClientAccount;

void core_setup (Core *core, gconstpointer limits_or_null);
void core_teardown (Core *core, gconstpointer data);

Client *client_new (Core *core, guint32 uid, gboolean agent);        /* connected, has not sent HELLO */
Client *client_ready (Core *core, const char *id, const char *type); /* collector that got WELCOME */
Client *agent_ready (Core *core);
Client *tool_ready (Core *core, const char *id);
void client_disconnect (Client *client);

void client_send_bytes (Client *client, const void *bytes, gsize len);
/* All frames from now on arrive in one piece. */
void client_begin_batch (Client *client);
void client_end_batch (Client *client);
void client_send_frame (Client *client, guint8 kind, guint8 flags, WireSpan body);
/* Writes envelope and payload as a frame; returns the id. If the id in the envelope is 0, the next id is used. */
guint64 client_send (Client *client, guint8 kind, guint8 flags, WireEnvelope *envelope);
/* An account may have several processes. */
Client *client_new_process (Core *core, guint32 uid, guint32 pid);
void client_hello_again (Client *client, const char *id, guint64 incarnation, const char *token_or_null);
void client_hello (Client *client, const char *id, const char *type, guint32 role, guint32 oldest, guint32 newest);

/* Takes all frames from the broker for all clients that are not stopped. */
void core_flush (Core *core);
void core_advance (Core *core, gint64 us);

/* Takes the oldest frame of that kind, and leaves the others; NULL: there is none. Free with got_free(). */
Got *client_take (Client *client, guint8 kind);
guint client_count (Client *client, guint8 kind);
void got_free (Got *got);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Got, got_free)

/* Asserts that the request with the id got an ERROR with that status. */
void client_expect_error (Client *client, guint64 id, WireStatus status);

/* A request to control.bus.subscribe; 0 requests the default of the broker. */
typedef struct
{
  guint32 subscription;
  const char *pattern;
  const char *group; /* NULL: none */
  gboolean serve;
  guint policy;
  guint64 queue_messages;
  guint64 queue_bytes;
  guint64 window_messages;
  guint64 window_bytes;
  WireStatus want;
} Asked;

/* Calls. They assert success unless @want is another status. */
guint64 client_subscribe_asked (Client *client, const Asked *asked);
#define client_subscribe_with(client, ...) client_subscribe_asked (client, &(Asked){ __VA_ARGS__ })
void client_subscribe (Client *client, guint32 subscription, const char *pattern, const char *group);
guint64 client_subscribe_full (Client *client,
                               guint32 subscription,
                               const char *pattern,
                               const char *group,
                               gboolean serve,
                               guint64 window_messages,
                               guint64 window_bytes,
                               WireStatus want);
void client_serve (Client *client, guint32 subscription, const char *topic);
/* Calls a method of the broker with that payload and takes its REPLY. If @want is not OK, takes the ERROR and returns NULL. */
Got *client_call (Client *client, const char *topic, const ProtobufCMessage *request, WireStatus want);
/* control.bus.introspect; a BusIntrospectReply. @after, @peer: (nullable) */
WireGuard *
client_introspect (Client *client, guint section, const char *after, guint limit, const char *peer, WireStatus want);
guint64 client_publish (Client *client, const char *topic, guint8 flags, const void *payload, gsize len);
guint64 client_request (Client *client, const char *topic, const char *target, gint64 deadline_us);
void client_reply (Client *client, guint64 route, const char *text);
/* Returns credit for a subscription. The arguments are totals. */
void client_credit (Client *client, guint32 subscription, guint64 messages, guint64 bytes);

/* Takes all frames, and counts the DELIVERs for the subscription and the messages that GAPs report for it. */
void client_sum (Client *client, guint32 subscription, guint64 *delivered, guint64 *missed);
