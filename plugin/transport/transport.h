/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

#include <gio/gio.h>

/*
 * The seam between links and whoever understands their bytes.
 *
 * A link hands in received spans and takes out spans that stay pinned until it says how much of them is sent; so readiness
 * (epoll, poll) and completion (ports) both fit. The handler is the service, which passes everything on to the core.
 * Transport knows nothing of frames, core nothing of sockets.
 *
 * Everything here runs in one thread, that of the context of the link set.
 */

typedef struct Link Link;
typedef struct LinkSet LinkSet;

/* Who is at the other end, from the kernel. */
typedef struct
{
  guint32 uid;
  guint32 pid;    /* 0: the system does not tell */
  gboolean agent; /* opened by the module itself */
} TransportCreds;

typedef enum
{
  TRANSPORT_CLOSED_EOF,
  TRANSPORT_CLOSED_ERROR,
  TRANSPORT_CLOSED_WANTED, /* after link_close() */
} TransportClosed;

#define TRANSPORT_SPANS_MAX 64u

typedef struct
{
  /* A new connection. NULL: refused, and @refusal has the bytes to send before it is closed (transfer full). */
  gpointer (*connected) (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal);
  /* Where the next bytes of a large frame can be read to directly; 0: nowhere. */
  gsize (*place) (gpointer user, gpointer peer, guint8 **where);
  void (*placed) (gpointer user, gpointer peer, gsize n);
  void (*received) (gpointer user, gpointer peer, const guint8 *bytes, gsize len);
  /* The link is gone and is freed after this; the peer must not be used for it again. */
  void (*closed) (gpointer user, gpointer peer, TransportClosed why);
  guint (*gather) (gpointer user, gpointer peer, WireSpan *spans, guint max);
  void (*sent) (gpointer user, gpointer peer, gsize n);
  /* The links that were ready have been read: time to write. */
  void (*turn_ended) (gpointer user);
} TransportHandler;
