/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-hop.h"
#include "wire-envelope.h"

/*
 * The hops of a message: the times at which it passed the stations on its way, if its sender asked for them.
 *
 * The sender's library sends the time of the call. The broker adds the times at which it accepted, queued and wrote the
 * message, and the receiver's library the time at which the callback was called. The library of a responder sends the hops of
 * the request with its reply. All times are from the monotonic clock of the host, which sender, broker and receiver share.
 * Times from another clock are dropped.
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

/* The message is delivered to the program now. Only the first call has an effect. @hops: (nullable) */
void deye_bus_hops_note_delivered (DeyeBusHops *hops);

/* Writes the field hops_before of a message that is sent now. @request: (nullable): the hops of the request that it answers.
 * Returns the number of bytes. */
gsize deye_bus_hops_write (const DeyeBusHops *request, guint8 out[DEYE_BUS_HOPS_BEFORE_MAX]);

/* The time of the station @hop, relative to the first station with a known time; -1: it is not known. @hops: (nullable) */
gint64 deye_bus_hops_since_first (const DeyeBusHops *hops, DeyeBusHop hop);
