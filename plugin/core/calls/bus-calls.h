/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"
#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * The broker's own methods: requests to control.bus.*, answered at once.
 *
 * The broker is itself a peer that serves: subscribe, adjust, unsubscribe, ping, stats, introspect, describe. Each is a row in
 * the table in bus-calls.c, which is the only place that lists them: control.bus.describe reads it too.
 */
gboolean bus_calls_serves (WireSpan topic);
void bus_calls_answer (BusPeer *peer, const BusInbound *inbound, gint64 now_us);

/* Answers a call with a packed message, or with one that is to be packed; used by the rooms that the table names. */
void bus_calls_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload);
void bus_calls_reply_packed (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

/* --- the table, to be told --- */

typedef struct
{
  const char *name;  /* "ping" */
  const char *topic; /* "control.bus.ping" */
  const ProtobufCMessageDescriptor *request;
  const ProtobufCMessageDescriptor *reply;
  const char *doc;
} BusMethod;

guint bus_calls_count (void);
const BusMethod *bus_calls_method (guint at);
