/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The interface between connections and the broker that understands their bytes.
 *
 * A link is one connection. It passes received bytes to the handler and writes the bytes that the handler gathers.
 * The handler is the service, which passes both on to the core: transport does not parse frames, and the core has no
 * sockets.
 *
 * Differences between operating systems are behind six headers of this folder: listener.h (accepting connections),
 * link-io.h (reading and writing), link-poller.h (waiting), link-pair.h (a connection inside the process), and
 * peer-creds.h with account.h (the identity of a peer). posix/ implements them; the other files of this folder are
 * the same on every system.
 *
 * Threads: everything of one link set runs in the thread of its GMainContext.
 *
 * Invariant: connected() is the first call for a peer, and closed() is the last one.
 */

typedef struct Link Link;
typedef struct LinkSet LinkSet;

/* Identity of a peer, as the kernel reports it. */
typedef struct
{
  guint32 account; /* see account.h */
  guint32 pid;     /* 0: the system does not report it */
  gboolean agent;  /* the module itself opened this connection for its host */
} TransportCreds;

typedef enum
{
  TRANSPORT_CLOSED_EOF,
  TRANSPORT_CLOSED_ERROR,
  TRANSPORT_CLOSED_WANTED, /* after link_close() */
} TransportClosed;

#define TRANSPORT_SPANS_MAX 64u

/* Marks an array on the stack that a function fills before any other code reads it. The build clears every local variable
 * (-ftrivial-auto-var-init=zero); for these arrays that takes longer than the rest of their function. */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define TRANSPORT_UNSET __attribute__ ((uninitialized))
#endif
#endif
#ifndef TRANSPORT_UNSET
#define TRANSPORT_UNSET
#endif

typedef struct
{
  /* A new connection. Returns the peer that the other functions receive. NULL: refused; @refusal receives the
   * bytes to send before the connection is closed (transfer full). */
  gpointer (*connected) (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal);
  /* Offers the memory into which the next bytes of a large frame are read directly. Returns its size; 0: none. */
  gsize (*place) (gpointer user, gpointer peer, guint8 **where);
  void (*placed) (gpointer user, gpointer peer, gsize n);
  void (*received) (gpointer user, gpointer peer, const guint8 *bytes, gsize len);
  /* The link has ended. It is freed after this call and must not be used again. */
  void (*closed) (gpointer user, gpointer peer, TransportClosed why);
  /* Fills @spans with at most @max spans of bytes to write. The bytes stay valid until sent() is called for them or the
   * link is closed; the link uses them only during one write, and copies nothing. Returns the number of spans; 0: there
   * is nothing to write. */
  guint (*gather) (gpointer user, gpointer peer, WireSpan *spans, guint max);
  /* The system has copied the first @n gathered bytes; transport does not use their memory any more. */
  void (*sent) (gpointer user, gpointer peer, gsize n);
  /* The turn has ended: the readable links have been read, or link_set_adopt() was called. It is also called once within a turn,
   * after the links that send little have been read and before the others are. All links that have bytes to write are flushed. */
  void (*turn_ended) (gpointer user);
  /* Returns the work that received messages have caused beyond the work per byte, as a total since the start, in units of
   * about 10 ns. NULL: the handler does not count work. */
  guint64 (*work) (gpointer user);
  /* Returns the monotonic time at which a source of the handler in the context has to run next, as its prepare() would report it;
   * G_MAXINT64: none. A turn may change it. The other functions of the handler must not add a source without a descriptor to the
   * context, because GLib does not wake it for a source of its own thread. NULL: the set prepares the context before each wait. */
  gint64 (*due_us) (gpointer user);
  /* @is_crowded has changed: for a while several links have sent faster than the set reads, or they have not (link-crowd.h). NULL:
   * the handler does not use it. */
  void (*crowded) (gpointer user, gboolean is_crowded);
} TransportHandler;
