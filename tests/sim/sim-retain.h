/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-model.h"

/*
 * The model of retained messages: the value of each topic, and the values that a later subscription gets. It includes no header
 * of the core.
 *
 * A topic has at most one value, the newest one. It ends with its time to live, with the connection of its publisher if the
 * publisher asked for that, and when it is cleared. A plain subscription gets each value that matches, that it may read, and
 * that is older than the subscription. The values arrive in their order within a lane, before any message that was published
 * later, and with their own sequence and sender; a value that ended before the subscription began does not arrive. A value that
 * exists until the end must have arrived.
 *
 * The answer to SUBSCRIBE says whether the broker searches the store: for a pattern with wildcards it does if there is any value,
 * otherwise if there is one of that topic. Then the end of the values is reported once: after each value that still exists, and
 * before later messages of the data lane.
 */

typedef struct SimRetains SimRetains;

SimRetains *sim_retains_new (void);
void sim_retains_free (SimRetains *retains);

/* --- input of the broker --- */

/* A message was accepted and retained. @until_gone: until the connection @peer ends. @expires_us: 0: never. TRUE: it replaced
 * another value */
gboolean sim_retains_store (SimRetains *retains,
                            guint peer,
                            gboolean until_gone,
                            const char *sender,
                            const char *topic,
                            guint64 number,
                            guint64 seq,
                            guint lane,
                            const SimLineage *lineage,
                            gint64 expires_us);
/* The connection ended. Returns the number of values that ended with it. */
guint sim_retains_gone (SimRetains *retains, guint peer);
/* The broker runs its timers. Returns the number of values that ended. */
guint sim_retains_tick (SimRetains *retains, gint64 now_us);
/* A call clears values. Returns their number. */
guint sim_retains_clear (SimRetains *retains, const char *pattern);

/* The same for a call whose peer was disconnected by its answer: clears only values that the broker does not have any more. */
typedef gboolean (*SimRetainsHas) (gconstpointer broker, const char *topic);
void sim_retains_clear_lost (SimRetains *retains, const char *pattern, SimRetainsHas has, gconstpointer broker);

/* A plain subscription begins, after the message @seq. */
void sim_retains_subscribe (SimRetains *retains,
                            guint peer,
                            guint32 subscription,
                            SimRole role,
                            const char *pattern,
                            const SimLineage *filter,
                            guint64 seq);
void sim_retains_unsubscribe (SimRetains *retains, guint peer, guint32 subscription);

/* The subscription is about to end. @counted: retained messages that the broker counts as delivered to it. */
void sim_retains_leave (SimRetains *retains, guint peer, guint32 subscription, guint64 counted);
/* The number of retained messages that the answer to UNSUBSCRIBE contains. */
guint64 sim_retains_counted (const SimRetains *retains, guint peer, guint32 subscription);

/* --- the store --- */

guint sim_retains_count (const SimRetains *retains);
gboolean sim_retains_has (const SimRetains *retains, const char *topic, guint64 seq);

/* --- frames that a client received. They return the fault (static), or NULL --- */

/* A retained message, with its mark. */
const char *sim_retains_got (SimRetains *retains,
                             guint peer,
                             guint32 subscription,
                             guint64 number,
                             guint64 seq,
                             const char *sender,
                             gsize sender_len);
/* A message without the mark. */
const char *sim_retains_got_live (SimRetains *retains, guint peer, guint32 subscription, guint lane);
/* The answer to any SUBSCRIBE. @promised: it announces an end */
const char *sim_retains_answered (const SimRetains *retains, guint peer, guint32 subscription, gboolean promised);
/* The end of the values. */
const char *sim_retains_got_end (SimRetains *retains, guint peer, guint32 subscription, gint64 now_us);
/* The number of values that the subscription received. */
guint64 sim_retains_received (const SimRetains *retains, guint peer, guint32 subscription);
/* At the end: every value that exists has reached every subscription that has to get it. */
const char *sim_retains_finish (const SimRetains *retains);
