/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * The watchers of system.*: compares the events that the broker published with the events that the model expects.
 *
 * The model has the messages that clients publish. The broker also publishes events of its own. It may choose the times of
 * these events, but must report every change. So this module keeps every event that a watcher received. At the end of a seed,
 * when no message waits any more, it compares the sums with the core: each loss of each subscription is in exactly one
 * system.drop; the last system.slow about a subscription or a queue gives its state; the last system.peer.* about an id says
 * whether it is connected. A watcher that missed an event gets a gap, and its sums are not compared.
 */

typedef struct SimWorld SimWorld;
typedef struct SimWatch SimWatch;

SimWatch *sim_watch_new (void);
void sim_watch_free (SimWatch *watch);

/* TRUE if a subscription to that pattern is a watcher: it receives events of the broker and nothing else. */
gboolean sim_watch_is_watcher (const char *pattern);

/* Begins to watch. @seq: of the message that was accepted last. @announced: events that the broker has published so far. */
void sim_watch_begin (SimWatch *watch,
                      guint peer,
                      guint32 subscription,
                      const char *pattern,
                      guint64 seq,
                      guint64 announced);
void sim_watch_end (SimWatch *watch, guint peer, guint32 subscription);
void sim_watch_end_all (SimWatch *watch, guint peer);

/* TRUE if the subscription is, or was, a watcher. */
gboolean sim_watch_is_watching (const SimWatch *watch, guint peer, guint32 subscription);

/* Handles an event, or a gap, for a subscription. FALSE: it is not a watcher, and nothing was done. */
gboolean sim_watch_event (SimWorld *world, guint peer, guint32 subscription, const WireEnvelope *envelope);
gboolean sim_watch_gap (SimWorld *world, guint peer, guint32 subscription, const WireEnvelope *envelope);

/* Compares the sums with the core; called when no message waits any more. */
void sim_watch_finish (SimWorld *world);
