/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"

#include <protobuf-c/protobuf-c.h>

/*
 * A method of the broker, and one call of it. bus-calls has the table of methods; the modules that answer them get the
 * call, and with it the table, so that control.bus.describe can list it.
 *
 * Most methods have a topic of their own. Some share one: the envelope of the request names the method then.
 */

typedef struct BusMethod BusMethod;

typedef struct
{
  BusPeer *peer; /* the asker */
  BusCore *core;
  guint64 id;            /* of the request */
  gconstpointer request; /* unpacked, of the type that the method names */
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
  gboolean is_by_name; /* several methods have this topic: the envelope has its name */
  const ProtobufCMessageDescriptor *request;
  const ProtobufCMessageDescriptor *reply;
  const char *doc;
  void (*answer) (const BusCall *call);
};
