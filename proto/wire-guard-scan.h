/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/*
 * The look before the unpack: walks packed bytes by their descriptor, without recursion or allocation, and says whether
 * protobuf-c may see them.
 *
 * Invariant: what it accepts unpacks in time linear in the bytes, to a depth of WIRE_GUARD_DEPTH_MAX, and every string ends
 * where its length says.
 */

/* @skip_unknown: unknown fields are fine (protobuf-c keeps them, counted against the memory cap). */
WireGuardError
wire_guard_scan (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, gboolean skip_unknown);
