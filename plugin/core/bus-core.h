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
 * Each arrow is one function with a plain result. The core makes no callbacks: a publish appends messages to queues, drops
 * messages from them, or marks peers for closing, and the caller takes the bytes out later (gather, sent).
 *
 * Invariant: everything that a peer makes the broker keep is charged to that peer, and refunded when it is freed; when no
 * peer is left the charges sum to zero, and bus_core_free() asserts it.
 *
 * Life of a peer: connect -> (received | gather, sent)* -> [next_closing] -> disconnected. The caller owns no part of
 * a BusPeer; disconnected() frees it.
 */

typedef struct
{
  BusLimits limits;
  guint32 *tool_accounts; /* accounts that may connect as a tool; copied */
  gsize n_tool_accounts;
  const BusGroupRule *groups; /* rules of the configuration for groups; copied */
  gsize n_groups;
  guint64 epoch;                /* differs for every start */
  guint64 seed;                 /* hash seed and the only source of randomness */
  gint64 wall_us;               /* wall clock minus monotonic clock; used in stamps only */
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
  const char *limit; /* name of the limit that is reached; NULL: the reason is no limit */
  guint64 retry_us;  /* a new attempt makes sense after this time; 0: no hint */
} BusConnectRefusal;

/* Adds a connection. NULL: it is refused for the reason in @refusal; the caller sends the bytes of bus_core_refusal() and closes.
 * @link is a pointer of the caller, which bus_peer_link() returns. The core may close a connection that has sent no HELLO yet to
 * make a place for the new one. */
BusPeer *
bus_core_connect (BusCore *core, const BusCredentials *who, gpointer link, gint64 now_us, BusConnectRefusal *refusal);

/* The time for which the caller should not accept the next connection, so that those accepted last have time to send HELLO.
 * 0: accept it now. It changes with every input. */
gint64 bus_core_accept_wait_us (const BusCore *core, gint64 now_us);

/* Adds a log record about a connection that the caller itself refuses. @setting: (nullable): the setting that forbids it */
void
bus_core_note_refused (BusCore *core, const BusCredentials *who, WireStatus status, const char *setting, gint64 now_us);

/* A complete GOODBYE frame, for a connection for which bus_core_connect() returned NULL. Transfer full. */
GBytes *bus_core_refusal (WireStatus status, const char *detail, guint64 retry_us);

/* Takes bytes of a peer; frames may be split anywhere. Bytes of a closing peer are ignored. */
void bus_core_received (BusCore *core, BusPeer *peer, const guint8 *bytes, gsize len, gint64 now_us);

/* Optional; saves a copy of large frames. place() returns the size of the memory into which the next bytes of the peer may be
 * read directly (0: none, use received()), and placed() reports the number of bytes that were read into it. The memory is valid
 * until the next call with this peer. */
gsize bus_core_place (BusCore *core, BusPeer *peer, guint8 **where);
void bus_core_placed (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);

/* The connection has ended (end of file, error, or closed as requested). Frees @peer and everything that it owned. */
void bus_core_disconnected (BusCore *core, BusPeer *peer, WireStatus why, gint64 now_us);

/* Returns the next peer that got bytes to send since it was last returned; NULL: none is left. Call it at the end of each
 * turn until it returns NULL, and write the bytes that gather() returns. If the link of a peer takes only a part of them, the peer
 * is not returned again for the rest: the caller waits until the link is writable. */
BusPeer *bus_core_next_writable (BusCore *core);

/* Fills up to @max spans with the bytes to write next, in order: at most 64 KiB in all, or one larger message. The
 * spans stay valid until sent() has reported all of them as written, in one or several steps. 0: nothing to write. */
guint bus_core_gather (BusCore *core, BusPeer *peer, WireSpan *spans, guint max);
void bus_core_sent (BusCore *core, BusPeer *peer, gsize n, gint64 now_us);

/* Returns the next peer that has to be closed and was not returned yet; NULL: none. Write the bytes that gather() still returns
 * (GOODBYE is the last frame), and call disconnected() when the other side has closed the connection, at the latest after
 * bus_core_linger_us(). */
BusPeer *bus_core_next_closing (BusCore *core);

/* The longest time from bus_core_next_closing() to bus_core_disconnected(). It is 100 ms for a connection that was never ready,
 * because only GOODBYE is left for it and many such connections may follow each other, and 1 s for any other connection. */
gint64 bus_core_linger_us (const BusPeer *peer);

gpointer bus_peer_link (const BusPeer *peer);
gboolean bus_peer_is_closing (const BusPeer *peer);

/* Timers. Call tick() at the time that next_tick_us() returns, or later (G_MAXINT64: no timer runs). An earlier call is
 * harmless. */
gint64 bus_core_next_tick_us (BusCore *core);
void bus_core_tick (BusCore *core, gint64 now_us);

/* Sends GOODBYE SHUTTING_DOWN to every peer. Later connections are refused. */
void bus_core_shutdown (BusCore *core, gint64 now_us);

/* Updates the offset of the wall clock, which stamps use. Call it periodically, and when the wall clock was stepped. */
void bus_core_set_wall_us (BusCore *core, gint64 wall_us);

/* Takes out the oldest log record; FALSE: there is none. Their number is bounded: when the caller takes none, the oldest are
 * dropped, and @missed counts them. */
gboolean bus_core_next_note (BusCore *core, BusNote *note, guint64 *missed);

/* The cost until now of routing messages to peers with many matching subscriptions, in units of about 10 ns. The time for such
 * messages does not depend on their bytes, by which the caller is fair otherwise. Other messages add nothing. */
guint64 bus_core_work (const BusCore *core);

/* Counters for the module ABI and for tests; control.bus.stats returns more. */
void bus_core_stats (const BusCore *core, BusCoreStats *stats);
