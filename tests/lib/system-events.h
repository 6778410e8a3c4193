/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

/*
 * Listens on system.# as the boss of a fixture, and remembers who went and why, what was dropped, and who was slow.
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

/* Waits for system.peer.gone of @id. Valid until forget or free. */
const PeerGone *system_events_wait_gone (SystemEvents *self, const char *id);
void system_events_forget (SystemEvents *self);
/* How many came of this topic in all. */
guint system_events_count (SystemEvents *self, const char *topic);
/* How many messages of @peer's subscriptions were told as dropped. */
guint64 system_events_dropped (SystemEvents *self, const char *peer);
/* How often system.slow said @what ("demoted", ...) of @peer; NULL: of anybody. */
guint system_events_slow (SystemEvents *self, const char *what, const char *peer);
