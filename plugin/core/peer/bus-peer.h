/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-limits.h"
#include "base/bus-match-note.h"
#include "base/bus-note.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"
#include "index/bus-policy.h"
#include "peer/bus-account.h"
#include "peer/bus-health.h"
#include "peer/bus-peer-state.h"
#include "queue/bus-flow.h"
#include "queue/bus-subscriptions.h"
#include "wire-frame.h"

/*
 * One connection: its identity, what it owns, and what is owed to it.
 *
 * Everything that a peer makes the broker keep is listed here: subscriptions, requests that it sent or has to answer,
 * its queue, bytes of an unfinished frame. When it disconnects, bus-core releases all of it by these lists, and the
 * charges are zero.
 *
 * Its states and their transitions are in bus-peer-state.h; bus_peer_on() is the only function that changes the state. A
 * closing peer gets GOODBYE and nothing after it; what it still sends is ignored.
 */

#define BUS_TOKEN_DIGEST 32u /* SHA-256: the token itself is not kept */

/* Members that few peers need, or that peers need only at their end: allocated with the first use. */
typedef struct
{
  BusNoteCap note_cap;
  gint64 introspect_second; /* of the input clock; see bus_budget_admit() */
  guint64 introspect_n;     /* in it */

  /* bus-catchup */
  GQueue cursors; /* that may continue */
  BusTimer catchup_timer;

  /* bus-takeover */
  BusTimer takeover_timer; /* a newcomer has its id; armed: it has been asked whether it is alive */
  GQueue newcomers;        /* BusPeer, by their newcomer_link */
  BusPeer *holder;         /* that has the id of this newcomer; NULL: none */
  gboolean is_same_client; /* ... is another connection of the same client object */
  GList newcomer_link;
  guint8 *hello; /* of a newcomer that waits */
  gsize hello_len;

  /* bus-cascade: messages of it that were refused, and not published by system.cascade yet */
  guint64 cascades;
  gboolean cascade_is_circle; /* the last one of them */
  gint64 cascade_next_us;
  BusTimer cascade_timer;

  char close_detail[160];
  guint64 close_retry_us; /* hint for the client: try again after this; 0: none */
  GList closing_link;
  gboolean is_closing_listed;
  GList dying_link;
} BusPeerExtra;

struct BusPeer
{
  BusCore *core;
  gpointer link;
  BusCredentials who;
  BusPeerState state;
  gboolean is_announced; /* from system.peer.connected about it until the next event about its id */
  gboolean flushed;      /* it owns nothing, and no list or table has it any more */

  char *id;   /* GRefString, NULL before hello */
  char *type; /* GRefString, interned as the next one: most peers have the same; "" for tool and agent */
  char *software_version;
  BusKey key; /* of id */
  BusPrincipal principal;
  guint64 incarnation;
  guint64 last_known;             /* newest number of its messages whose acceptance it knew at HELLO */
  guint8 token[BUS_TOKEN_DIGEST]; /* of its launch token; zeros: it had none */
  guint64 features;               /* known to both sides */
  gint64 connected_us;
  guint64 serial; /* from 1, in order of connecting */

  WireFrameReader reader;
  gsize reader_charged;
  gint64 frame_since_us; /* first byte of the unfinished frame */
  BusLedger ledger;
  BusFlow flow;

  BusSubscriptions subscriptions;
  GQueue asked;                   /* BusRequest, by their asked_link */
  GHashTable *asked_by_id;        /* the same: id -> BusRequest; NULL: it asked nothing yet */
  guint n_asked_members;          /* of its requests to many: the members that were asked and have not ended */
  GQueue answering;               /* BusRequest, by their answering_link */
  struct BusResendWindow *resend; /* bus-resend: of the messages that it numbered; NULL: none yet */
  GHashTable *confirms;           /* bus-confirm: id -> BusConfirm that it waits for; NULL: none */
  GQueue confirming;              /* bus-confirm: routes that it has to confirm */
  GQueue later;                   /* BusLater, its calls of the broker that are answered later, by their link */
  GQueue retained;                /* bus-retain: cleared with this connection */
  struct BusMember *member;       /* bus-registry: what it registered; NULL: nothing */
  struct BusSubmitter *submitter; /* bus-push: its tasks; NULL: it has none */
  struct BusWill *will;           /* bus-will: its last message; NULL: it left none */

  /* bus-dispatch: the topic that it published to last, and may publish to; most peers publish to one. */
  struct BusMatch *recent_match;
  guint64 recent_generation; /* of the cache */
  guint64 recent_serial;     /* of the match */

  BusMatchNote match_note;

  BusTimer timer; /* for HELLO first, then for an unfinished frame */
  BusHealth health;
  guint strikes; /* frames that the broker does not understand */
  guint64 received;
  guint64 received_bytes;
  BusAccount *account;
  guint64 shed_tried; /* bus-shed */
  WireStatus close_status;
  BusPeerExtra *extra; /* NULL: it needed none of that yet; see bus_peer_extra() */

  GList all_link;
  GList writable_link;
  gboolean is_writable;
};

/* The charge for a peer itself, from its begin to its end, with all parts that it may need. */
#define BUS_PEER_COST                                                                                                  \
  (sizeof (BusPeer) + sizeof (BusPeerExtra) + sizeof (BusLosses) + (WIRE_N_CLASSES - 1) * sizeof (BusAllowance))

BusPeer *bus_peer_new (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us);
/* It must have been flushed. */
void bus_peer_free (BusPeer *peer);

/* The extra part, to be read: all of it is zero while the peer has none. */
extern const BusPeerExtra bus_peer_no_extra;
static inline const BusPeerExtra *
bus_peer_extra (const BusPeer *peer)
{
  return peer->extra != NULL ? peer->extra : &bus_peer_no_extra;
}
BusPeerExtra *bus_peer_make_extra (BusPeer *peer);
/* The same, to be changed. */
static inline BusPeerExtra *
bus_peer_need_extra (BusPeer *peer)
{
  return peer->extra != NULL ? peer->extra : bus_peer_make_extra (peer);
}

/* Applies an event to the state of the peer. FALSE: the state ignores it. */
gboolean bus_peer_on (BusPeer *peer, BusPeerEvent event);

/* Appends a frame of the broker's own to the control lane; when the lane is full the peer is closed. */
void bus_peer_put (BusPeer *peer, guint8 kind, guint8 flags, const WireEnvelope *stamp);
/* The same in the lane of a message that it must not overtake. */
void bus_peer_put_in_lane (BusPeer *peer, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp);

/* Adds a log record about this peer. @detail: (nullable). Returns the record, for further fields; NULL: it was suppressed,
 * because too many were added in this second. */
BusNote *bus_peer_note (BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail);

/* Bytes were encoded for it: lists it for writing. */
void bus_peer_list_writable (BusPeer *peer);
static inline void
bus_peer_touch (BusPeer *peer)
{
  if (!peer->is_writable && bus_outq_bytes (&peer->flow.outq) > 0)
    bus_peer_list_writable (peer);
}

/* Sends ERROR. @answers: the id of the client's frame; 0: none. @detail: English, says what to do */
void bus_peer_error (BusPeer *peer, guint64 answers, WireStatus status, const char *detail);
/* The same for a bound that was exceeded: names limit, value and setting. @excess: (nullable) */
void
bus_peer_error_excess (BusPeer *peer, guint64 answers, WireStatus status, const char *detail, const BusExcess *excess);
/* The same for a limit: names limit, value and setting. */
void bus_peer_error_limit (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);
/* The same for a value above what the setting itself can be raised to. */
void bus_peer_error_ceiling (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);

/* Checks a right of this peer for its frame @id. FALSE: the peer got ERROR, and the refusal was counted and logged. */
gboolean bus_peer_may (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic);

/* The same for a verdict that a rule above the policy gave: sends the error, counts and logs. */
void bus_peer_deny (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic, BusVerdict verdict);

/* Ends the connection with a reason, and adds a log record. The possessions of the peer are released at the end of the input
 * call, so no loop over peers or subscriptions is disturbed. @detail: (nullable): the status' own text. */
void bus_peer_close (BusPeer *peer, WireStatus status, const char *detail);

/* The same for events that have an entry of their own in the table of states. */
void bus_peer_end (BusPeer *peer, BusPeerEvent event, WireStatus status, const char *detail);

/* Sends CREDIT to the peers that have credit to be announced. */
void bus_peer_send_credit (BusCore *core);

/* Frees the bytes of an unfinished frame and refunds what was charged for them. */
void bus_peer_drop_frame (BusPeer *peer);

static inline gboolean
bus_peer_is_ready (const BusPeer *peer)
{
  return peer->state == BUS_PEER_READY;
}

/* Number that max_pending_requests bounds: requests to peers, messages that wait for a confirmation, and calls of the broker that
 * are answered later. */
static inline guint
bus_peer_pending (const BusPeer *peer)
{
  return peer->asked.length + peer->later.length + (peer->confirms != NULL ? g_hash_table_size (peer->confirms) : 0);
}

/* TRUE if introspection shows a peer: agent and tool see all, a collector sees itself; only ready peers are shown. */
static inline gboolean
bus_peer_may_see (const BusPeer *asker, const BusPeer *peer)
{
  return bus_peer_is_ready (peer) && (peer == asker || asker->principal.role != BUS_ROLE_COLLECTOR);
}
