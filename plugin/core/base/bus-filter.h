/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * A filter: selects messages from those that match the pattern of a subscription, by the fields that connect messages with each
 * other (correlation id, root id, stage, tags). It does not read payloads.
 *
 * A message passes if every field that the filter sets fits. The root of a message is its root id or, if it has none, its own
 * correlation id, because the first message of a chain has no root id. A tag of a filter is "key=value", or only "key" for any
 * value. Example: a filter with the root id "scan-7" and the tag "host" passes every message of that scan that has a tag "host".
 *
 * A filter is set when the subscription is made, and never changes. Members of a group have no filter: a message that one member
 * does not handle is handed on to another, and a filter of one member would then decide which messages the others get.
 *
 * Invariant: evaluating a filter allocates nothing, and compares at most BUS_FILTER_TAGS_MAX * WIRE_TAGS_MAX tags.
 */

#define BUS_FILTER_TAGS_MAX 8u

typedef struct
{
  WireSpan correlation_id; /* empty: any; also for the next two */
  WireSpan root_id;
  WireSpan stage;
  guint n_tags;
  WireSpan tags[BUS_FILTER_TAGS_MAX];
} BusFilter;

/* Checks the fields of a filter. NULL: they are valid; otherwise a static English sentence about the error. @status: (out) */
const char *bus_filter_check (const BusFilter *filter, WireStatus *status);

/* A copy that owns its texts; free it with g_free(). NULL: no memory. */
BusFilter *bus_filter_copy (const BusFilter *filter);
/* The number of bytes of such a copy. */
gsize bus_filter_size (const BusFilter *filter);

/* TRUE if every message passes. */
gboolean bus_filter_is_empty (const BusFilter *filter);
gboolean bus_filter_passes (const BusFilter *filter, const WireEnvelope *envelope);
