/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-cells.h"
#include "base/bus-limits.h"
#include "base/bus-note.h"
#include "base/bus-strategy.h"
#include "base/bus-types.h"
#include "wire-span.h"
#include "wire-status.h"

/*
 * The broker, sans-I/O.
 *
 * Input is a peer, its bytes and the time. Output is: "this peer has bytes to send", "close this peer, for this
 * reason", "call tick at T". There is no socket, clock, thread, GMainContext, file or global state behind this
 * header, so the same inputs give the same outputs.
 *
 *   bytes in -> frame -> envelope -> authorize -> route -> out-queue -> bytes out
 *
 * Each arrow is one function with a plain result. Nothing calls back: a publish appends to queues, drops from them,
 * or marks peers for closing, and the caller takes the bytes out later (gather, sent). Everything is charged to a
 * peer and refunded when it is freed; with no peer left the charges sum to zero, and bus_core_free() asserts it.
 *
 * Life of a peer: connect -> (received | gather, sent)* -> [next_closing] -> disconnected. The caller owns no part of
 * a BusPeer; disconnected() frees it.
 */

typedef struct
{
  BusLimits limits;
  guint32 *tool_accounts; /* accounts that may connect as a tool; copied */
  gsize n_tool_accounts;
  const BusGroupRule *groups; /* what the configuration sets for groups; copied */
  gsize n_groups;
  guint64 epoch;                /* differs for every start */
  guint64 seed;                 /* hash seed and the only source of randomness */
  gint64 wall_us;               /* wall clock minus monotonic clock: for stamps only */
  gboolean closes_failed;       /* a connection whose health is FAILED is closed (health-failed-action) */
  BusChunkSource chunks;        /* memory of waiting messages; zeroed: the heap */
  const char *software_version; /* copied */
} BusCoreOptions;

BusCore *bus_core_new (const BusCoreOptions *options, gint64 now_us);

/* Every peer must have been freed; asserts that the charges sum to zero. */
void bus_core_free (BusCore *core);

/* Reasons for which a connection is refused. */
typedef struct
{
  WireStatus status;
  const char *limit; /* the setting of the limit that is reached; NULL: it is not refused for a limit */
  guint64 retry_us;  /* trying again is useful after this time; 0: no hint */
} BusConnectRefusal;

/* NULL when the connection is refused, and then @refusal says why: the caller sends the bytes of bus_core_refusal() and
 * closes. @link is the caller's, given back by the functions below. A connection that has sent no HELLO may be closed to
 * make a place for this one. */
BusPeer *
bus_core_connect (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us, BusConnectRefusal *refusal);

/* The budget of accepts: how long the next connection need not be accepted yet, because those that were accepted last have not
 * had the time to send HELLO. 0: accept it now. It changes with every input. */
gint64 bus_core_accept_wait_us (const BusCore *core, gint64 now_us);

/* Adds a log record about a connection that the caller refuses. @setting: (nullable): the setting that forbids it */
void
bus_core_note_refused (BusCore *core, const BusCredentials *who, WireStatus status, const char *setting, gint64 now_us);

/* A whole GOODBYE frame for a connection that got no peer. Transfer full. */
GBytes *bus_core_refusal (WireStatus status, const char *detail, guint64 retry_us);

/* Bytes of a peer, split anywhere. They are ignored when the peer is closing. */
void bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us);

/* Optional, saves a copy of large frames: where the next bytes may be read to directly (0: nowhere, use received()),
 * and how many came there. The place is valid until the next call with this peer. */
gsize bus_core_place (BusCore *core, BusPeer *peer, guint8 **where);
void bus_core_placed (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);

/* The connection has ended (end of file, error, or closed as requested). Frees @peer and all it owned. */
void bus_core_disconnected (BusCore *core, BusPeer *peer, WireStatus why, gint64 now_us);

/* Returns the next peer that has unsent bytes and has not been returned since they were added; NULL: none left. At
 * the end of each turn call it until it returns NULL, and write what gather() returns. A peer whose link takes
 * only a part is not returned again: the caller waits until its link is writable. */
BusPeer *bus_core_next_writable (BusCore *core);

/* Fills up to @max spans with what is to be written next, in order: at most 64 KiB in all, or one larger message. The
 * spans stay valid until sent() has reported all of them as written, in one or several steps. 0: nothing to write. */
guint bus_core_gather (BusCore *core, BusPeer *peer, WireSpan *spans, guint max);
void bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);

/* Returns the next peer that is to be closed and has not been returned yet; NULL: none. Write what gather() still
 * returns (GOODBYE is last) while the link takes it at once, for at most bus_core_linger_us(), then call
 * disconnected(). */
BusPeer *bus_core_next_closing (BusCore *core);

/* A connection that was never ready gets 100 ms: it is owed GOODBYE only, and more of them may follow. Others get 1 s. */
gint64 bus_core_linger_us (const BusPeer *peer);

gpointer bus_peer_link (const BusPeer *peer);
gboolean bus_peer_is_closing (const BusPeer *peer);

/* Deadlines. Call tick() at or after next_tick_us (G_MAXINT64: not needed); calling it early is harmless. */
gint64 bus_core_next_tick_us (BusCore *core);
void bus_core_tick (BusCore *core, gint64 now_us);

/* Sends GOODBYE SHUTTING_DOWN to every peer and accepts no new one. */
void bus_core_shutdown (BusCore *core, gint64 now_us);

/* The wall clock was stepped, or time has passed: new offset for stamps. */
void bus_core_set_wall_us (BusCore *core, gint64 wall_us);

/* Takes one note out, oldest first; FALSE when there is none. Bounded: when nobody takes them the oldest are dropped
 * and @missed counts them. */
gboolean bus_core_next_note (BusCore *core, BusNote *note, guint64 *missed);

/* The cost of messages to peers with many matching subscriptions until now, in units of about 10 ns. Their number of bytes does
 * not determine the time that it takes to route them; other messages cost nothing here. */
guint64 bus_core_work (const BusCore *core);

/* Plain numbers for the module ABI and for tests; control.bus.stats returns more. */
void bus_core_stats (const BusCore *core, BusCoreStats *stats);
