/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/* The largest number of bytes that protobuf-c may have allocated at a time, for a message of @len bytes. */
static inline gsize
wire_guard_budget (gsize len)
{
  return len * 4 + 262144;
}

/* Does the work of wire_guard_unpack() and wire_guard_unpack_lenient(). @fail_at: number of the allocation that fails, counted from
 * 1, for tests; 0: none */
WireGuard *wire_guard_unpack_failing (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      gboolean skip_unknown,
                                      guint fail_at,
                                      WireGuardError *error);
