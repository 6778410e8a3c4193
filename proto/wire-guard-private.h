/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/* For tests of failed allocations: allocation number @fail_at, counted from 1, fails; 0: none does. */
WireGuard *wire_guard_unpack_failing (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      gboolean skip_unknown,
                                      guint fail_at,
                                      WireGuardError *error);
