/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "peer/bus-state.h"

/*
 * Peers without connections: the state of the peer layer, and peers in it.
 *
 * Only the peer layer and the layers below it are linked. There is no routing: a test itself offers a message to a
 * subscription. Tests take the frames that a peer was sent as records, or compare them as text. peers_teardown() disconnects
 * every remaining peer and asserts that nothing is charged, held or armed any more.
 */

#define PEERS_NOW_US ((gint64) 1000000)

typedef struct
{
  BusCore *core;
  guint64 accept_seq; /* of the latest message that was offered */
  guint64 last_id;    /* of the latest message, set by its publisher */
} Peers;

void peers_setup (Peers *peers, gconstpointer limits_or_null);
void peers_teardown (Peers *peers, gconstpointer data);

/* Adds a peer that is connected, but has not sent HELLO. */
BusPeer *peers_connect (Peers *peers, guint32 account, gboolean agent);

/* Adds a collector of the type "procmond", or the agent, after WELCOME. */
BusPeer *peers_ready (Peers *peers, const char *id, guint32 account);
BusPeer *peers_agent (Peers *peers);

/* Closes the peer, ends its subscriptions, takes it out of all lists and frees it. */
void peers_disconnect (Peers *peers, BusPeer *peer);

/* Adds a subscription with the default bounds, or ends one. It is in no index. */
BusSubscription *
peers_subscribe (Peers *peers, BusPeer *owner, guint32 id, BusOverflow policy, guint64 window_messages);
void peers_unsubscribe (Peers *peers, BusSubscription *subscription);

/* A PUBLISH frame from @publisher (nullable: a message of the broker), with the next accept sequence and id. */
typedef struct
{
  BusInbound inbound;
  WireEnvelope envelope;
  guint8 *body;
} PeerArrival;

PeerArrival *peer_arrival_new (Peers *peers, BusPeer *publisher, const char *topic, const char *payload, gsize len);
/* Ends the input call: credit that no ticket withholds is returned. */
void peer_arrival_free (PeerArrival *arrival);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PeerArrival, peer_arrival_free)

/* Offers @n messages with payloads of @len bytes to one subscription. */
void peers_offer (Peers *peers, BusPeer *publisher, BusSubscription *subscription, guint n, gsize len);

/* One frame that a peer was sent. */
typedef struct
{
  guint8 kind;
  guint8 flags;
  guint8 *bytes;
  WireSpan body;
  WireEnvelope envelope; /* not of WELCOME and GOODBYE */
} PeerFrame;

void peer_frame_free (gpointer frame);

/* Takes all encoded bytes of a peer. (transfer full) (element-type PeerFrame) */
GPtrArray *peers_take (BusPeer *peer);

/* The same as text: one line for each frame, with its kind and the fields that are set, without texts for humans. */
char *peers_take_text (BusPeer *peer);
#define peers_assert_sent(peer, expected)                                                                              \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *sent = peers_take_text (peer);                                                                  \
                                                                                                                       \
      g_assert_cmpstr (sent, ==, expected);                                                                            \
    }                                                                                                                  \
  while (0)

/* Takes the oldest log record; asserts kind and status. */
void peers_assert_note (Peers *peers, BusNoteKind kind, WireStatus status);
