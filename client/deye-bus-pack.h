/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message.h"
#include "wire-guard.h"

/* Payloads of our own schemas: packed into bytes, and read through the guard. */

#define DEYE_BUS_TYPE_PREFIX "daemoneye.eventbus.v1."

GBytes *deye_bus_pack (const ProtobufCMessage *message);

/* Fields that we don't know are skipped. NULL: not a message of this type. */
WireGuard *deye_bus_unpack (const ProtobufCMessageDescriptor *type, DeyeBusMessage *message);
