/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/* The largest number of bytes that protobuf-c may have allocated at a time, for a message of @len bytes. */
static inline gsize
wire_guard_budget (gsize len)
{
  return len * 4 + 262144;
}

/* Unpacks bytes that passed the scan. NULL: failed, and @result has the reason. */
WireGuard *wire_guard_build (const ProtobufCMessageDescriptor *type,
                             WireSpan bytes,
                             gsize budget,
                             guint fail_at,
                             WireGuardError *result);

/* @fail_at: for tests of failed allocations: this allocation, counted from 1, fails; 0: none does. */
WireGuard *wire_guard_unpack_failing (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      gboolean skip_unknown,
                                      guint fail_at,
                                      WireGuardError *error);
