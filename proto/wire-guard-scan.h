/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/*
 * The scan that wire-guard makes before it lets protobuf-c unpack a message: it checks packed bytes against their
 * descriptor, without recursion or allocation.
 *
 * Invariant: protobuf-c unpacks accepted bytes in time that is linear in their number, to a depth of at most
 * WIRE_GUARD_DEPTH_MAX, and no string contains a NUL.
 */

/* @skip_unknown: accept unknown fields. protobuf-c keeps them, and the guard's limit of memory includes them. */
WireGuardError
wire_guard_scan (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, gboolean skip_unknown);
