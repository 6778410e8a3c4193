/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "route/bus-retain-store.h"

/*
 * Retained messages: the last value of each topic whose publisher asked for it (the frame flag RETAIN).
 *
 * The store has at most one value for each topic. A newer message of any publisher replaces the value of its topic; a message with
 * an empty payload clears it. A value also ends with its time to live, or with the connection of its publisher if the publisher
 * asked for that. This module delivers no value: bus-catchup reads the store for later subscriptions. Values are lost when the
 * broker ends.
 *
 * A value is counted for the account that published it, separately from its other charges: retained_messages and retained_bytes
 * bound the values of an account, and all values together may use 1/BUS_RETAIN_PART of broker_bytes. A message that has no room as
 * a value is refused before it is delivered to any subscription. Values are never dropped to make room.
 *
 * Invariant: there is at most one value for each topic; the sums of the accounts are those of the store.
 */

#define BUS_RETAIN_PART 4u /* of broker_bytes, for all values together */

/* The broker ends: frees all values. */
void bus_retain_end (BusCore *core);

/* TRUE if there is room to retain a message of @len bytes of @peer on @topic. @excess: (out): with FALSE the exceeded limit */
gboolean bus_retain_has_room (const BusPeer *peer, WireSpan topic, gsize len, BusExcess *excess);

/* Stores an accepted message as the value of its topic; the caller has checked bus_retain_has_room(). @until_gone: it is cleared
 * when the connection of @peer ends. FALSE: no memory; nothing was changed. */
gboolean bus_retain_store (BusPeer *peer, BusInbound *inbound, gboolean until_gone);

/* The same for a message of the broker itself, which is counted for @account. FALSE: it has no room. */
gboolean bus_retain_store_own (BusCore *core, BusAccount *account, BusInbound *inbound);

/* Clears the value of a topic. FALSE: there is none. */
gboolean bus_retain_clear (BusCore *core, WireSpan topic);
/* Clears all values that @pattern matches; returns their number. */
guint bus_retain_clear_matching (BusCore *core, WireSpan pattern);
/* The connection of a publisher ends: clears the values that are bound to it. */
void bus_retain_forget_peer (BusPeer *peer);
/* The time to live of a value is over. */
void bus_retain_due (BusCore *core, BusRetained *value);

/* TRUE if a pattern matches a topic, by the same rules as the index. */
gboolean bus_retain_matches (WireSpan pattern, WireSpan topic);
