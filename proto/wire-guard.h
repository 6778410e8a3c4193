/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

#include <protobuf-c/protobuf-c.h>

/*
 * The only door to protobuf_c_message_unpack().
 *
 * protobuf-c alone is unsafe on bytes of a peer: merging repeated singular sub-messages is quadratic, memory grows many
 * times over, NUL cuts strings, nesting overflows the stack. So first an iterative pre-scan by the message's
 * descriptor (depth at most 8, a cap on fields, no singular field or oneof twice, right wire types, canonical varints,
 * UTF-8 without NUL, no unknown field), then the unpack with an allocator that stops at 4 x the bytes + 256 KiB: small
 * records with many empty fields take more than four times their bytes.
 *
 * Invariant: what the message holds is the guard's, and freeing the guard frees all of it.
 */

#define WIRE_GUARD_DEPTH_MAX 8u

typedef struct WireGuard WireGuard;

typedef struct
{
  WireStatus status; /* OK, BAD_MESSAGE, UNSUPPORTED (unknown field), LIMIT (field cap, depth, memory cap), NO_MEMORY */
  gsize offset;
  const char *problem; /* short English, static */
} WireGuardError;

/* @max_fields: fields in all, sub-messages included; 0: half the bytes. @error may be NULL. NULL on failure.
 * Unknown fields are refused; use wire_guard_unpack_lenient() for messages of a newer broker or peer. */
WireGuard *
wire_guard_unpack (const ProtobufCMessageDescriptor *type, WireSpan bytes, guint max_fields, WireGuardError *error);
/* As above, but unknown fields are allowed; protobuf-c keeps them, counted against the same cap. */
WireGuard *wire_guard_unpack_lenient (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      WireGuardError *error);

/* The message, of the type asked for; lives as long as the guard. */
gconstpointer wire_guard_message (const WireGuard *guard);
void wire_guard_free (WireGuard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WireGuard, wire_guard_free)
