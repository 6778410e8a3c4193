/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"
#include "wire-guard.h"

/* Packs and unpacks payloads of the project's own protobuf types. Unpacking uses the guard against malformed bytes. */

#define DEYE_BUS_TYPE_PREFIX "daemoneye.eventbus.v1."

GBytes *deye_bus_pack (const ProtobufCMessage *message);

/* At most @most bytes of @text as valid UTF-8, as a copy. @text: (nullable) */
char *deye_bus_cut_text (const char *text, gsize most);

/* Unknown fields are skipped. NULL: not a message of this type. */
WireGuard *deye_bus_unpack (const ProtobufCMessageDescriptor *type, DeyeBusMessage *message);
