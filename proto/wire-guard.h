/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard-scan.h"

/*
 * Unpacks a protobuf message of a peer. All code calls this instead of protobuf_c_message_unpack().
 *
 * protobuf-c is not safe on bytes that a peer chose: merging repeated singular sub-messages takes quadratic time, the
 * message may need many times the memory of its bytes, a NUL ends a string early, and nesting overflows the stack. So
 * the guard first scans the bytes without recursion (wire-guard-scan.h): depth at most 8, a limit of fields, no
 * singular field or oneof twice, the right wire types, canonical varints, UTF-8 without NUL, no unknown field. Then it
 * unpacks with an allocator that fails beyond 4 x the bytes + 256 KiB. (Small records with many empty fields need more
 * than four times their bytes.)
 *
 * Invariant: the guard owns everything that the message refers to, and frees it with itself.
 */

typedef struct WireGuard WireGuard;

/* Unpacks @bytes. NULL: failed. Unknown fields are an error; for messages of a newer broker or peer use
 * wire_guard_unpack_lenient(). @max_fields: limit of all fields, including those of sub-messages and each number of a packed
 * list; 0: the number of bytes, because a packed number may have one byte. @error: (nullable) */
WireGuard *
wire_guard_unpack (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, WireGuardError *error);
/* Does the same, but accepts unknown fields. protobuf-c stores them, and they count towards the same limits. */
WireGuard *wire_guard_unpack_lenient (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      WireGuardError *error);

/* Returns the message, of the requested type. It is valid as long as the guard. */
gconstpointer wire_guard_message (const WireGuard *guard);
void wire_guard_free (WireGuard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WireGuard, wire_guard_free)
