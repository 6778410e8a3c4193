/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-retain-store.h"

/*
 * Retained messages: the last value of each topic whose publisher asked for it (the frame flag RETAIN).
 *
 * The store keeps one message for each topic, in the order of acceptance. A new value takes the place of the older one,
 * by any publisher; an empty payload clears it. A value also ends with its time to live, or with the connection of
 * its publisher when the publisher asked for that. The store delivers nothing: bus-catchup reads it for subscriptions
 * that come later. Nothing of it survives the broker.
 *
 * A value is counted for the account that published it, in columns of its own: retained_messages and retained_bytes bound
 * them, and all values together may use a part of broker_bytes. Without room the publish is refused before it reaches
 * anybody. A value is never dropped to make room for another one, and never shed.
 *
 * Invariant: at most one value for each topic; the sums of the accounts are those of the store.
 */

#define BUS_RETAIN_PART 4u /* of broker_bytes, for all values together */

/* Clears every value; the broker ends. */
void bus_retain_end (BusCore *core);

/* TRUE if @peer may retain a message of @len bytes on @topic now. @excess: (out): FALSE: the limit that is in the way */
gboolean bus_retain_has_room (const BusPeer *peer, WireSpan topic, gsize len, BusExcess *excess);

/* Keeps an accepted message as the value of its topic; bus_retain_has_room() said that it may. @until_gone: it is cleared
 * when the connection of @peer ends. FALSE: no memory; nothing was changed. */
gboolean bus_retain_store (BusPeer *peer, BusInbound *inbound, gboolean until_gone);

/* The same for a message of the broker itself, about a peer of @account, which is counted for that account. FALSE: it has no
 * room. */
gboolean bus_retain_store_own (BusCore *core, BusAccount *account, BusInbound *inbound);

/* Clears the value of a topic. FALSE: there is none. */
gboolean bus_retain_clear (BusCore *core, WireSpan topic);
/* Clears all values that @pattern matches; returns their number. */
guint bus_retain_clear_matching (BusCore *core, WireSpan pattern);
/* The connection of a publisher ends. */
void bus_retain_forget_peer (BusPeer *peer);
void bus_retain_due (BusCore *core, BusRetained *value);

/* TRUE if a pattern matches a topic, by the same rules as the index. */
gboolean bus_retain_matches (WireSpan pattern, WireSpan topic);
