/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

/*
 * Subscribes to system.# with the controller of a fixture, and records the peers that disconnected, with the reason, the dropped
 * messages, and the peers that were reported as slow.
 */

typedef struct SystemEvents SystemEvents;

typedef struct
{
  char *id;
  guint pid;
  guint status;
  guint subscriptions;
  guint64 discarded;
  guint64 rerouted;
  guint64 unacknowledged;
} PeerGone;

SystemEvents *system_events_new (BusFixture *f);
/* Unsubscribes. */
void system_events_free (SystemEvents *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SystemEvents, system_events_free)

/* Waits for system.peer.gone of @id. The result is valid until system_events_forget() or system_events_free(). */
const PeerGone *system_events_wait_gone (SystemEvents *self, const char *id);
/* Forgets the peers that disconnected so far. */
void system_events_forget (SystemEvents *self);
/* Number of messages received on this topic. */
guint system_events_count (SystemEvents *self, const char *topic);
/* Number of messages that system.drop reported for subscriptions of @peer. */
guint64 system_events_dropped (SystemEvents *self, const char *peer);
/* The same for one reason, a code of wire-status; 0: for any. */
guint64 system_events_dropped_for (SystemEvents *self, const char *peer, guint reason);
/* The number of times that system.slow reported @what ("demoted", ...) about @peer; NULL: about any peer. */
guint system_events_slow (SystemEvents *self, const char *what, const char *peer);
