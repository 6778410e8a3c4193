/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/* For tests: the @fail_at-th allocation fails (0: none), so that each point of failure can be walked. */
WireGuard *wire_guard_unpack_failing (const ProtobufCMessageDescriptor *type,
                                      WireSpan bytes,
                                      guint max_fields,
                                      gboolean skip_unknown,
                                      guint fail_at,
                                      WireGuardError *error);
