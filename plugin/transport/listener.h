/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-set.h"

/*
 * The listener: accepts connections at the broker's address and adds them to a link set.
 *
 * Each system implements a listener. It creates the address in a way that no other user can take it over, and
 * listener_free() removes everything that was created. It reads the identity of each new peer, refuses accounts that may not
 * connect, and stops accepting for a while when the process runs out of resources (file descriptors on POSIX), so that it
 * never spins. It leaves new connections in the system's queue for as long as wait_us() demands. It notices when the address
 * is removed or replaced while it listens, reports that, and restores the address when that is safe. It does not read or
 * interpret the bytes of a connection.
 *
 * Invariant: the address of another live broker is never taken or removed.
 */

#define LISTENER_ERROR (listener_error_quark ())
typedef enum
{
  LISTENER_ERROR_ADDRESS, /* malformed, too long, or in an unsafe place */
  LISTENER_ERROR_IN_USE,  /* another broker listens there */
  LISTENER_ERROR_SYSTEM,
} ListenerError;
GQuark listener_error_quark (void);

/* Events of the address of a listener. */
typedef enum
{
  LISTENER_EVENT_LOST,          /* clients can't connect any more; text: the reason */
  LISTENER_EVENT_NOT_RESTORED,  /* an attempt to restore it failed, and the listener will try again; text: the reason */
  LISTENER_EVENT_RESTORED,      /* clients can connect again; no text */
  LISTENER_EVENT_LOCK_RESTORED, /* only the lock against other brokers was lost, and it exists again; text: the reason */
} ListenerEvent;

typedef struct Listener Listener;

typedef struct
{
  const char *address;
  const char *group;       /* its members can reach the address too; NULL: only the broker's own account can */
  const guint32 *accounts; /* the accounts that may connect */
  gsize n_accounts;
  GBytes *denied; /* sent to an account that may not connect */
  GBytes *full;   /* sent when resources run out */
  /* The callbacks run in the context of the link set. */
  void (*report) (gpointer user, ListenerEvent event, const char *text);
  void (*refused) (gpointer user, const TransportCreds *creds); /* the peer's account may not connect */
  void (*paused) (gpointer user);                               /* accepting pauses, because no resources are left */
  /* Returns for how long the next connection may wait in the system's queue; 0: accept it now. Called before each accept. */
  gint64 (*wait_us) (gpointer user);
  gpointer user;
} ListenerOptions;

/* Listens. Connections are accepted in the context of @set, by a source of default priority. */
Listener *listener_new (LinkSet *set, const ListenerOptions *options, GError **error);
void listener_free (Listener *listener);

/* Call this when the result of wait_us() may have changed: if it is 0 now, accepting continues at once. */
void listener_wake (Listener *listener);

/* Returns the number of connections for which this process has resources, less a reserve for its host. G_MAXUINT64: no
 * limit. */
guint64 listener_max_connections (void);
