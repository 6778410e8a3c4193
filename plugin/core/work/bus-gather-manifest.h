/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-answer.h"

/*
 * The manifest of a question that is over: its verdict, its counts, and the outcome of each entry, as the message Manifest.
 *
 * It is packed without memory of its own: each entry is read twice, once for its size and once for its bytes.
 *
 * Invariant: the bytes are those that protobuf-c writes for the same fields.
 */

#define BUS_GATHER_MANIFEST_FIELDS 23u /* those before the members */

/* A manifest that is about to be packed. It borrows the entries of the question. */
typedef struct
{
  const BusGather *gather;
  WireField fields[BUS_GATHER_MANIFEST_FIELDS];
} BusGatherManifest;

/* Returns the size of the message. */
gsize bus_gather_manifest_fill (BusGatherManifest *manifest, const BusGather *gather);
/* A BusPackFunc. The question may not change after bus_gather_manifest_fill(). */
gsize bus_gather_manifest_pack (gconstpointer manifest, guint8 *to);

/* TRUE if the verdict is COMPLETE. */
gboolean bus_gather_is_complete (const BusGather *gather);
/* TRUE if the requirement of the requester is met. */
gboolean bus_gather_is_met (const BusGather *gather);
