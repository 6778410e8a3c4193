/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-hop.h"
#include "wire-envelope.h"

/*
 * The hops of a message whose sender asked for them: when it passed each station on its way.
 *
 * The sender's library sends the time of the call, the broker adds when it accepted, queued and wrote the message, and the
 * receiver's library adds when the callback was called. The library of a responder sends the hops of the request with its
 * reply. All are times of the monotonic clock of the host, which sender, broker and receiver share. A station of a program
 * whose clock is another one is left out.
 *
 * A message without hops has no DeyeBusHops and costs nothing.
 */

#define DEYE_BUS_N_HOPS (DEYE_BUS_HOP_DELIVERED + 1u)

typedef struct DeyeBusHops
{
  gint64 at_us[DEYE_BUS_N_HOPS]; /* -1: not known */
} DeyeBusHops;

/* Sent by a library: at most 10 bytes for each. */
#define DEYE_BUS_HOPS_BEFORE     6u
#define DEYE_BUS_HOPS_BEFORE_MAX (10u * DEYE_BUS_HOPS_BEFORE)

/* NULL: the envelope has none. (transfer full) */
DeyeBusHops *deye_bus_hops_new (const WireEnvelope *envelope);

/* The message is given to the application now. Only the first time counts. @hops: (nullable) */
void deye_bus_hops_note_delivered (DeyeBusHops *hops);

/* Writes the field hops_before of a message that is sent now. @request: (nullable): of the request that it answers. Returns the
 * number of bytes. */
gsize deye_bus_hops_write (const DeyeBusHops *request, guint8 out[DEYE_BUS_HOPS_BEFORE_MAX]);

/* The time of a station since the first one that is known; -1: it is not known. @hops: (nullable) */
gint64 deye_bus_hops_since_first (const DeyeBusHops *hops, DeyeBusHop hop);
