/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"

#include <protobuf-c/protobuf-c.h>

/*
 * A method of the broker, and one call of it. bus-calls has the table of methods. A module that answers a method gets the call,
 * which contains the whole table, so that control.bus.describe can list it without an include of bus-calls.
 *
 * Most methods have a topic of their own. Several methods may share a topic; then the field `method` of the request selects one.
 */

typedef struct BusMethod BusMethod;

typedef struct
{
  BusPeer *peer; /* the asker */
  BusCore *core;
  guint64 id;            /* of the request */
  gconstpointer request; /* the unpacked payload, of the type `request` of the method */
  guint64 accept_seq;
  guint64 deadline_us; /* of the request: relative, 0: none */
  gint64 now_us;
  const BusMethod *methods; /* the whole table */
  guint n_methods;
} BusCall;

struct BusMethod
{
  const char *name;    /* "ping" */
  const char *topic;   /* "control.bus.ping" */
  gboolean is_by_name; /* several methods have this topic: the envelope names the method */
  const ProtobufCMessageDescriptor *request;
  const ProtobufCMessageDescriptor *reply;
  const char *doc;
  void (*answer) (const BusCall *call);
};
