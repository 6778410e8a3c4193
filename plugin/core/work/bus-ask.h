/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Requests of the broker itself to a member: Execute, and Apply.
 *
 * The request is written as a client would have sent it, and routed like every request. Its answers are passed to the module that
 * the requester names. It is refused at once when the member does not serve the topic, or has no room.
 */

typedef struct
{
  BusRequester requester;
  BusPeer *responder;
  const char *topic;
  const char *method;              /* "": none */
  const ProtobufCMessage *message; /* NULL: @payload is one that is packed */
  const char *type_name;           /* of @payload */
  WireSpan payload;
  gint64 due_us;
} BusAsk;

/* NULL: it was not sent. */
BusRequest *bus_ask (BusCore *core, const BusAsk *ask, gint64 now_us);
