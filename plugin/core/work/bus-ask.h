/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-outq.h"
#include "route/bus-request.h"

/*
 * Requests that the broker itself sends to a collector: Execute, which offers a task, and Apply, which sets standing tasks.
 *
 * The request is encoded as a client would encode it, and routed like any other request. The replies are passed to the module
 * that the field `requester` names. The broker never waits for room: bus_ask() fails at once if the member does not serve the
 * topic or its queue is full.
 */

typedef struct
{
  BusRequester requester;
  BusPeer *responder;
  const char *topic;
  const char *method;    /* "": the request has no method */
  const char *type_name; /* type of @payload */
  WireSpan payload;      /* with @pack: only its length is used */
  BusPackFunc pack;      /* writes the payload @message; NULL: @payload is copied */
  gconstpointer message;
  gint64 due_us;
} BusAsk;

/* Returns NULL if the request could not be sent. */
BusRequest *bus_ask (BusCore *core, const BusAsk *ask, gint64 now_us);
