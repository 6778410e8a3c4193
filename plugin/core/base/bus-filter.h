/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * A filter: which messages a subscription wants of those that match its pattern, by the fields that tie messages together.
 *
 * Every field that a filter sets must fit. The root of a message is its root id or, when it has none, its own correlation id,
 * because the first message of a chain names no root. A tag of a filter is "key=value", or only "key" for any value.
 *
 * A filter is set when the subscription is made and never changes. Only plain subscriptions have one: a group hands messages
 * on among its members, and a filter of one member would decide what the others get.
 *
 * Invariant: evaluating a filter allocates nothing, and compares at most BUS_FILTER_TAGS_MAX * WIRE_TAGS_MAX tags.
 */

#define BUS_FILTER_TAGS_MAX 8u

typedef struct
{
  WireSpan correlation_id; /* empty: any, as the next two */
  WireSpan root_id;
  WireSpan stage;
  guint n_tags;
  WireSpan tags[BUS_FILTER_TAGS_MAX];
} BusFilter;

/* NULL, or a static English sentence that says what is wrong with it. @status: (out) */
const char *bus_filter_check (const BusFilter *filter, WireStatus *status);

/* A copy that owns its texts; free it with g_free(). NULL: no memory. */
BusFilter *bus_filter_copy (const BusFilter *filter);
/* Bytes of such a copy. */
gsize bus_filter_size (const BusFilter *filter);

/* TRUE if it lets every message pass. */
gboolean bus_filter_is_empty (const BusFilter *filter);
gboolean bus_filter_passes (const BusFilter *filter, const WireEnvelope *envelope);
