/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"
#include "wire-guard-apart.h"

/* Packs and unpacks payloads of the project's own protobuf types. Unpacking uses the guard against malformed bytes. */

#define DEYE_BUS_TYPE_PREFIX "daemoneye.eventbus.v1."

GBytes *deye_bus_pack (const ProtobufCMessage *message);

/* At most @most bytes of @text as valid UTF-8, as a copy. @text: (nullable) */
char *deye_bus_cut_text (const char *text, gsize most);

/* Unknown fields are skipped. NULL: not a message of this type. */
WireGuard *deye_bus_unpack (const ProtobufCMessageDescriptor *type, DeyeBusMessage *message);

/* Does the same for a message with a payload. @path: numbers of the fields that lead to the payload, ending with 0, as for
 * wire_guard_unpack_apart(). @payload: (out) (transfer full): a large payload: bytes of @message, to which it holds a
 * reference; NULL: the payload is small, and is a field of the unpacked message. */
WireGuard *deye_bus_unpack_apart (const ProtobufCMessageDescriptor *type,
                                  DeyeBusMessage *message,
                                  const guint *path,
                                  GBytes **payload);
