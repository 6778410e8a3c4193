/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

#include <protobuf-c/protobuf-c.h>

/*
 * The scan of a packed message: it checks the bytes against the descriptor of their type, without recursion or allocation.
 * wire-guard makes it before protobuf-c unpacks a message. A reader that walks over the fields itself (wire-field) needs only the
 * scan.
 *
 * Invariant: for bytes that pass the scan, protobuf-c needs time that is linear in their number and recurses at most
 * WIRE_GUARD_DEPTH_MAX levels deep. Each known field that is not repeated occurs at most once, with the wire type of its
 * declaration and a number in its range; no string contains a NUL or invalid UTF-8.
 */

#define WIRE_GUARD_DEPTH_MAX 8u

typedef struct
{
  WireStatus status; /* OK, BAD_MESSAGE, UNSUPPORTED (unknown field), LIMIT (fields, depth or memory), NO_MEMORY */
  gsize offset;
  const char *problem; /* short English text, static */
} WireGuardError;

/* @skip_unknown: accept unknown fields. If protobuf-c unpacks the message, it keeps them, and the guard's limit of memory includes
 * them. */
WireGuardError
wire_guard_scan (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, gboolean skip_unknown);
