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
#include "queue/bus-unsettled.h"
#include "wire-frame.h"

/*
 * A peer: one connection, with its identity, the objects that it owns, and the queue of frames for it.
 *
 * Everything that a peer makes the broker keep is listed here: its subscriptions, the requests that it sent or has to answer, its
 * queue, and the bytes of an unfinished frame. When it disconnects, bus-core releases all of it by these lists. A peer has no
 * socket: the transport passes received bytes to bus-core, and takes bytes to be sent from the queue.
 *
 * The states of a peer and their transitions are in bus-peer-state.h; bus_peer_on() is the only function that changes the state. A
 * closing peer gets GOODBYE and no frame after it; bytes that it still sends are ignored.
 *
 * Invariant: the charges of a peer are zero when everything that it owned has been released.
 */

#define BUS_TOKEN_DIGEST 32u /* SHA-256: the token itself is not kept */

/* Members that few peers need, or that peers need only when they are closed: allocated at the first use. */
typedef struct
{
  BusNoteCap note_cap;
  gint64 introspect_second; /* the current second of the budget; see bus_budget_admit() */
  guint64 introspect_n;     /* calls in this second */

  /* bus-catchup */
  GQueue cursors; /* BusCursor that may continue */
  BusTimer catchup_timer;

  /* bus-takeover */
  BusTimer takeover_timer; /* of a holder: armed while it has been asked by PING whether it is alive */
  GQueue newcomers;        /* of a holder: BusPeer that want its id, by their newcomer_link */
  BusPeer *holder;         /* of a newcomer: the peer that has its id; NULL: this peer is no newcomer */
  gboolean is_same_client; /* of a newcomer: the holder is a connection of the same client object */
  GList newcomer_link;
  guint8 *hello; /* of a newcomer: its HELLO, until it is handled again */
  gsize hello_len;

  /* bus-cascade */
  guint64 cascades;           /* its refused messages that system.cascade has not reported yet */
  gboolean cascade_is_circle; /* the last one of them was a circle */
  gint64 cascade_next_us;
  BusTimer cascade_timer;

  guint64 last_known; /* the newest of its numbered messages that it knew to be accepted, from HELLO; 0: none */

  char close_detail[160];
  guint64 close_retry_us; /* hint for the client: try again after this; 0: none */
  GList closing_link;
  gboolean is_closing_listed;
  GList unflushed_link;
} BusPeerExtra;

/* Requests, calls and answers that are not finished, and objects of other modules that end with the peer. Allocated with the first
 * of them. */
typedef struct
{
  GQueue asked;            /* BusRequest, by their asked_link */
  GHashTable *asked_by_id; /* the same: id -> BusRequest; NULL: it has sent no request yet */
  guint n_asked_members;   /* members that its requests to many have asked and that have not answered finally */
  GQueue answering;        /* BusRequest, by their answering_link */
  GHashTable *confirms;    /* bus-confirm: id -> BusConfirm that it waits for; NULL: none */
  GQueue confirming;       /* bus-confirm: routes that it has to confirm */
  GQueue later;            /* BusLater, its calls of the broker that are answered later, by their link */
  GQueue retained;         /* bus-retain: retained messages that are cleared when it disconnects */

  struct BusResendWindow *resend; /* bus-resend: window of its numbered messages; NULL: none yet */
  struct BusSubmitter *submitter; /* bus-push: its tasks; NULL: it has none */
  struct BusWill *will;           /* bus-will: its last message; NULL: none */
} BusPeerCalls;

/* Reads frames from the bytes of the peer. Allocated for an input call, and kept afterwards only if a frame is not complete. */
typedef struct
{
  WireFrameReader reader;
  gsize charged;         /* for the block of the unfinished frame */
  gint64 frame_since_us; /* time of the first byte of the unfinished frame */
} BusInput;

struct BusPeer
{
  BusKey key; /* of id; the first member: so peers_by_id needs one pointer for key and value, not two */
  BusCore *core;
  gpointer link;
  BusCredentials who;
  BusPeerState state : 8;
  guint is_announced : 1; /* the last event about its id was system.peer.connected for this peer */
  guint flushed : 1;      /* it owns nothing, and is in no list or table by which others find it */
  guint is_writable : 1;  /* it is in the list writable of the core */
  guint strikes;          /* frames that the broker does not understand */
  WireStatus close_status;

  char *id;   /* GRefString; NULL before HELLO was accepted */
  char *type; /* GRefString, interned like software_version, because many peers have the same; "" for tool and agent */
  char *software_version;
  BusPrincipal principal;
  guint64 incarnation;
  guint8 *token;    /* digest of its launch token, BUS_TOKEN_DIGEST bytes; NULL: it sent none */
  guint64 features; /* that both sides support */
  gint64 connected_us;
  guint64 serial; /* number of the connection, from 1 */

  BusInput *input; /* NULL: nothing is being read; see bus_peer_begin_input() */
  BusLedger ledger;
  BusFlow flow;

  BusSubscriptions subscriptions;
  const BusPeerCalls *calls; /* &bus_peer_no_calls: there were none yet; see bus_peer_need_calls() */
  struct BusMember *member;  /* bus-registry: its registration as a collector; NULL: none */

  /* bus-dispatch: the match of the last topic to which it published, with the right to do so. Most peers publish to one topic. */
  struct BusMatch *recent_match;
  guint64 recent_generation; /* of the cache at that time */
  guint64 recent_serial;     /* of the match at that time */

  BusMatchNote match_note;

  BusTimer timer;          /* before READY for HELLO, afterwards for an unfinished frame */
  const BusHealth *health; /* &bus_peer_no_health: it is not watched; see bus_peer_need_health() */
  gint64 heard_us;         /* time of the last frame, or at which it became READY */
  guint64 received;
  guint64 received_bytes;
  BusAccount *account;
  guint64 shed_tried;  /* bus-shed: the last round in which its queue had nothing to drop */
  BusPeerExtra *extra; /* NULL: not needed yet; see bus_peer_extra() */

  GList all_link;
  GList writable_link;
};

/* The charge for the peer itself, as long as it exists, including all parts that are allocated only when they are needed. Each
 * part is small; without memory for it the process ends, as in g_malloc(). */
#define BUS_PEER_COST                                                                                                  \
  (sizeof (BusPeer) + sizeof (BusPeerExtra) + sizeof (BusPeerCalls) + sizeof (BusInput) + sizeof (BusHealth)           \
   + BUS_TOKEN_DIGEST + sizeof (BusLosses) + (WIRE_N_CLASSES - 1) * sizeof (BusAllowance))

BusPeer *bus_peer_new (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us);
/* It must have been flushed. */
void bus_peer_free (BusPeer *peer);

/* The extra members, for reading: all are zero while the peer has none. */
extern const BusPeerExtra bus_peer_no_extra;
static inline const BusPeerExtra *
bus_peer_extra (const BusPeer *peer)
{
  return peer->extra != NULL ? peer->extra : &bus_peer_no_extra;
}
BusPeerExtra *bus_peer_make_extra (BusPeer *peer);
/* The extra members, for writing: allocated at the first call. */
static inline BusPeerExtra *
bus_peer_need_extra (BusPeer *peer)
{
  return peer->extra != NULL ? peer->extra : bus_peer_make_extra (peer);
}

/* The same for calls. */
extern const BusPeerCalls bus_peer_no_calls;
BusPeerCalls *bus_peer_make_calls (BusPeer *peer);
static inline BusPeerCalls *
bus_peer_need_calls (BusPeer *peer)
{
  return peer->calls != &bus_peer_no_calls ? (gpointer) (gsize) peer->calls : bus_peer_make_calls (peer);
}

/* The same for its health. */
extern const BusHealth bus_peer_no_health;
BusHealth *bus_peer_make_health (BusPeer *peer);
static inline BusHealth *
bus_peer_need_health (BusPeer *peer)
{
  return peer->health != &bus_peer_no_health ? (gpointer) (gsize) peer->health : bus_peer_make_health (peer);
}

/* Bytes of the peer arrived: returns its reader, made if it has none. */
WireFrameReader *bus_peer_begin_input (BusPeer *peer);
/* They have been handled: frees the reader unless it has a part of a frame. */
void bus_peer_end_input (BusPeer *peer);
/* The longest body of a frame that it may send in its state. */
gsize bus_peer_max_body (const BusPeer *peer);

/* The bytes that the reader holds, and those of them that are charged to the peer. */
static inline gsize
bus_peer_frame_held (const BusPeer *peer)
{
  return peer->input != NULL ? wire_frame_reader_held (&peer->input->reader) : 0;
}

static inline gsize
bus_peer_frame_charged (const BusPeer *peer)
{
  return peer->input != NULL ? peer->input->charged : 0;
}

static inline gboolean
bus_peer_has_partial_frame (const BusPeer *peer)
{
  return peer->input != NULL && wire_frame_reader_is_partial (&peer->input->reader);
}

/* Applies an event to the state of the peer. FALSE: the state ignores the event. */
gboolean bus_peer_on (BusPeer *peer, BusPeerEvent event);

/* Appends a frame of the broker itself to the control lane. If the lane is full, the peer is closed. */
void bus_peer_put (BusPeer *peer, guint8 kind, guint8 flags, const WireEnvelope *stamp);
/* The same in another lane: that of a message which the frame must not overtake. */
void bus_peer_put_in_lane (BusPeer *peer, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp);

/* Adds a log record about this peer. @detail: (nullable). Returns the record, so that the caller can set further fields. NULL: it
 * was suppressed, because too many records were added in this second. */
BusNote *bus_peer_note (BusPeer *peer, BusNoteKind kind, WireStatus status, const char *detail);

/* Adds the peer to the list of peers that have bytes to send. */
void bus_peer_list_writable (BusPeer *peer);
static inline void
bus_peer_touch (BusPeer *peer)
{
  if (!peer->is_writable && bus_outq_bytes (&peer->flow.outq) > 0)
    bus_peer_list_writable (peer);
}

/* Sends ERROR. @answers: the id of the frame that it answers; 0: none. @detail: English; says what the client can do */
void bus_peer_error (BusPeer *peer, guint64 answers, WireStatus status, const char *detail);
/* The same for an exceeded bound: the ERROR contains setting, limit and value. @excess: (nullable) */
void
bus_peer_error_excess (BusPeer *peer, guint64 answers, WireStatus status, const char *detail, const BusExcess *excess);
/* The same for a limit of the broker. */
void bus_peer_error_limit (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);
/* The same for a value above the ceiling of the setting. */
void bus_peer_error_ceiling (BusPeer *peer, guint64 answers, BusLimit limit, guint64 value);

/* Checks a right of this peer for its frame @id. FALSE: it has none; ERROR was sent, and the refusal was counted and logged. */
gboolean bus_peer_may (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic);

/* Refuses the frame @id by the verdict of another rule than the policy: sends ERROR, counts and logs. */
void bus_peer_deny (BusPeer *peer, guint64 id, BusRight operation, WireSpan topic, BusVerdict verdict);

/* Closes the connection with a reason: sends GOODBYE, and adds a log record. bus-core releases the objects of the peer at the end
 * of the input call, so a caller may be in a loop over peers or subscriptions. @detail: (nullable): NULL: the text of @status */
void bus_peer_close (BusPeer *peer, WireStatus status, const char *detail);

/* The same for another event than BUS_PEER_ON_CLOSE. */
void bus_peer_end (BusPeer *peer, BusPeerEvent event, WireStatus status, const char *detail);

/* Sends CREDIT to all peers whose returned credit is to be announced. */
void bus_peer_send_credit (BusCore *core);

/* Frees the bytes of an unfinished frame, with the reader, and refunds their charge. */
void bus_peer_drop_frame (BusPeer *peer);

static inline gboolean
bus_peer_is_ready (const BusPeer *peer)
{
  return peer->state == BUS_PEER_READY;
}

/* The number that max_pending_requests bounds: requests to peers, messages that wait for a confirmation, and calls of the broker
 * that are answered later. */
static inline guint
bus_peer_pending (const BusPeer *peer)
{
  return peer->calls->asked.length + peer->calls->later.length
         + (peer->calls->confirms != NULL ? g_hash_table_size (peer->calls->confirms) : 0);
}

/* TRUE if introspection shows @peer to @asker: agent and tools see all ready peers, a collector sees itself. */
static inline gboolean
bus_peer_may_see (const BusPeer *asker, const BusPeer *peer)
{
  return bus_peer_is_ready (peer) && (peer == asker || asker->principal.role != BUS_ROLE_COLLECTOR);
}
