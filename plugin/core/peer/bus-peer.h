/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-limits.h"
#include "base/bus-note.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"
#include "index/bus-policy.h"
#include "peer/bus-account.h"
#include "queue/bus-flow.h"
#include "wire-frame.h"

/*
 * One connection: who it is, what it owns, what is owed to it.
 *
 * Everything that a peer makes the broker keep hangs here: subscriptions, requests asked and to be answered, queue,
 * gathered bytes. When it goes, bus-core flushes that one owner index, and the charges are zero.
 *
 * States: HELLO -> READY -> CLOSING, or HELLO -> CLOSING; one bus_peer_set_state(). A closing peer gets GOODBYE and
 * nothing after it; what it still sends is ignored.
 */

typedef enum
{
  BUS_PEER_HELLO, /* connected, has not said hello */
  BUS_PEER_READY,
  BUS_PEER_CLOSING, /* GOODBYE is queued, or the link is gone */
} BusPeerState;

struct BusPeer
{
  BusCore *core;
  gpointer link;
  BusCredentials who;
  BusPeerState state;
  gboolean flushed; /* owner index is empty, nobody finds it any more */

  char *id;   /* GRefString, NULL before hello */
  char *type; /* "" for tool and agent */
  char *software_version;
  BusKey key; /* of id */
  BusPrincipal principal;
  guint64 incarnation;
  guint64 features; /* that both sides know */
  gint64 connected_us;

  WireFrameReader reader;
  gsize reader_charged;
  BusLedger ledger;
  BusFlow flow;

  GHashTable *subscriptions; /* id -> BusSubscription, not owned by the table */
  GQueue asked;              /* BusRequest, by their asked_link */
  GQueue answering;          /* BusRequest, by their answering_link */

  /* bus-dispatch: the topic that it published to last, and may publish to; most peers publish to one. */
  struct BusMatch *recent_match;
  guint64 recent_generation;

  BusTimer timer; /* hello first, then a frame that has begun */
  guint strikes;  /* frames that we do not understand */
  guint64 received;
  guint64 received_bytes;
  BusAccount *account;
  guint64 shed_tried;       /* bus-shed */
  gint64 introspect_second; /* of the input clock; see bus_budget_admit() */
  guint64 introspect_n;     /* in it */

  WireStatus close_status;
  char close_detail[160];

  GList all_link;
  GList writable_link;
  gboolean is_writable;
  GList closing_link;
  gboolean is_closing_listed;
  GList dying_link;
};

BusPeer *bus_peer_new (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us);
/* Flushed and unlisted. */
void bus_peer_free (BusPeer *peer);

void bus_peer_set_state (BusPeer *peer, BusPeerState state);

/* Puts a frame of our own on the control lane; a full one closes the peer. */
void bus_peer_put (BusPeer *peer, guint8 kind, guint8 flags, const WireEnvelope *stamp);

/* Adds a log record about this peer. @detail: (nullable) */
void bus_peer_note (const BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail);

/* Bytes were put for it. */
void bus_peer_touch (BusPeer *peer);

/* ERROR to one id of the client (0: none). @detail: English, what to do. */
void bus_peer_error (BusPeer *peer, guint64 answers, WireStatus status, const char *detail);
/* The same where something is too much: names limit, value and setting. @excess: (nullable) */
void
bus_peer_error_excess (BusPeer *peer, guint64 answers, WireStatus status, const char *detail, const BusExcess *excess);
/* The same for a limit: names limit, value and setting. */
void bus_peer_error_limit (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);
/* More was asked for than the setting itself could be raised to. */
void bus_peer_error_ceiling (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);

/* authorize() for what this peer asks by its frame @id: when it may not, it is told so, and it is counted and noted. */
gboolean bus_peer_may (BusPeer *peer, guint64 id, BusOperation operation, WireSpan topic);

/* Ends the connection with a reason. What the peer owned is flushed at the end of the input call, so nobody's loop over
 * peers or subscriptions breaks. @detail: (nullable): the status' own text. */
void bus_peer_close (BusPeer *peer, WireStatus status, const char *detail);

/* Sends CREDIT to the peers that have credit to be announced. */
void bus_peer_send_credit (BusCore *core);

/* Refunds what the reader was charged for. */
void bus_peer_refund_reader (BusPeer *peer);

static inline gboolean
bus_peer_is_ready (const BusPeer *peer)
{
  return peer->state == BUS_PEER_READY;
}

/* Who is told of whom: agent and tool of all, a collector of itself; of those that come or go nobody. */
static inline gboolean
bus_peer_may_see (const BusPeer *asker, const BusPeer *peer)
{
  return bus_peer_is_ready (peer) && (peer == asker || asker->principal.role != BUS_ROLE_COLLECTOR);
}
