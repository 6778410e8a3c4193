/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-guard.h"

/*
 * Unpacks a protobuf message of a peer without a copy of its payload.
 *
 * Some messages consist of a few small fields and one large field of bytes, such as the result of a task. The guard checks all
 * bytes as wire_guard_unpack() does. If the payload is large, it then unpacks a copy of the message from which the field of the
 * payload is removed, and returns the place of the payload in the packed bytes.
 *
 * Invariant: the same bytes are accepted as by wire_guard_unpack(), and all other fields get the same values; but a message with
 * very many fields in its other sub-messages may be refused with LIMIT, because its limit of memory is lowered by the payload.
 */

#define WIRE_GUARD_APART_MIN 16384u /* a smaller payload is copied into the message */

/* @path: numbers of the fields that lead to the payload, ending with 0, at most WIRE_GUARD_DEPTH_MAX of them: singular
 * sub-messages, and a singular field of bytes, none of them in a oneof. @payload: (out): the payload in @bytes; { NULL, 0 }: it has
 * fewer than WIRE_GUARD_APART_MIN bytes, and is in the message. @error: (nullable) */
WireGuard *wire_guard_unpack_apart (const ProtobufCMessageDescriptor *type,
                                    WireSpan bytes,
                                    const guint *path,
                                    WireSpan *payload,
                                    WireGuardError *error);
