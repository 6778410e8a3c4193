/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link.h"

/*
 * The Unix socket that collectors connect to.
 *
 * It makes the socket at its path so that nobody else can: a directory that only the owner may write, mode 0600 before
 * bind, a lock file beside it. A live socket of another broker is never unlinked, a stale one is replaced, anything else
 * at the path is refused. GSocketService accepts; a guard in front of it keeps it from spinning when file descriptors run
 * out: then one reserve descriptor is given up so that the connection can be refused with a reason, and accepting pauses
 * for 10 ms to 1 s.
 *
 * It does not know what a connection says; that is the link's handler.
 */

#define TRANSPORT_UNIX_ERROR (transport_unix_error_quark ())
typedef enum
{
  TRANSPORT_UNIX_ERROR_PATH,   /* too long, not a socket, directory not safe */
  TRANSPORT_UNIX_ERROR_IN_USE, /* another broker is there */
  TRANSPORT_UNIX_ERROR_SYSTEM,
} TransportUnixError;
GQuark transport_unix_error_quark (void);

typedef struct TransportUnix TransportUnix;

typedef struct
{
  const char *path;
  const char *group;   /* NULL: only the owner; else its members may connect, and the uid list decides */
  const guint32 *uids; /* who may connect */
  gsize n_uids;
  GBytes *denied; /* sent to a uid that may not */
  GBytes *full;   /* sent when file descriptors run out */
} TransportUnixOptions;

/* Listens; accepts in @set's context from then on. */
TransportUnix *transport_unix_new (LinkSet *set, const TransportUnixOptions *options, GError **error);
void transport_unix_free (TransportUnix *transport);

typedef struct
{
  guint64 accepted;
  guint64 denied; /* by uid */
  guint64 full;   /* for want of file descriptors */
  guint64 pauses;
} TransportUnixStats;
void transport_unix_stats (const TransportUnix *transport, TransportUnixStats *stats);
