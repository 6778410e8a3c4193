/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "coordination.pb-c.h"
#include "deye-bus-collector-private.h"
#include "wire-feature.h"
#include "wire-guard.h"

/*
 * A collector on the client of a ClientFixture, and the broker's side of its tasks.
 *
 * The numbers of the collector's requests are predictable: Register is 2, and then come those that open its topics: 4 for tasks, 6
 * for its lifecycle. These are the subscriptions 1 and 2.
 */

#define COLLECTOR_TOPIC "control.collector.task.procmond.tester"

typedef Daemoneye__Eventbus__V1__Execute ScriptExecute;
typedef Daemoneye__Eventbus__V1__Outcome ScriptOutcome;
typedef Daemoneye__Eventbus__V1__Progress ScriptProgress;

/* The last call of a handler, which keeps its work. */
typedef struct
{
  guint calls;
  DeyeBusWork *work; /* the last one; NULL: it was dropped */
  gboolean drops;    /* the handler keeps nothing */
  gboolean succeeds; /* the handler ends it at once */
} HandlerLog;
void collector_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer log);

typedef struct
{
  ClientFixture base;
  DeyeBusCollector *collector;
  HandlerLog log;   /* of the operation "scan" */
  guint registered; /* signals */
  guint refused;
  guint draining;
  guint drained;
  GError *refusal;         /* the last one */
  guint64 largest_payload; /* in WELCOME; 0: 1 MiB */
} CollectorFixture;

/* The collector has the operation "scan", and is not started. */
void collector_fixture_set_up (CollectorFixture *f, gconstpointer data);
void collector_fixture_tear_down (CollectorFixture *f, gconstpointer data);

/* Started; the broker has sent WELCOME with the feature TASKS; what the collector asked is not answered. */
void collector_fixture_begin (CollectorFixture *f);
/* ... and: registered, ready, and its task topic is served. */
void collector_fixture_start (CollectorFixture *f);

/* Appends the broker's answer to a request. */
void collector_script_reply (GByteArray *out, guint64 answers, const ProtobufCMessage *message);
void collector_script_registered (GByteArray *out, guint64 answers, guint64 registration_id);
/* Appends Execute of the task @id, by the broker. The token is "token-@route". @execute: (nullable): more of it */
void collector_script_execute (GByteArray *out, guint64 route, const char *id, const ScriptExecute *execute);
/* The same from anybody, with any payload, on the subscription @subscription. */
void collector_script_order (GByteArray *out, guint64 route, const char *sender, const void *payload, gsize len);
void collector_script_lifecycle_event (GByteArray *out, const char *sender, const ProtobufCMessage *message);
/* DRAIN. */
void collector_script_lifecycle (GByteArray *out, const char *sender, guint64 grace_us, gboolean expect_exit);
void collector_script_cancel (GByteArray *out, guint64 route, guint32 status);
void collector_script_delivered (GByteArray *out, guint64 route);

/* The payload of a frame. */
WireGuard *collector_unpack (const ScriptFrame *frame, const ProtobufCMessageDescriptor *type);
/* The first request about the registration with that method; NULL: there is none. */
const ScriptFrame *collector_find_request (GPtrArray *frames, const char *method);
/* Frames from the client by now, without CREDIT. */
GPtrArray *collector_hear (CollectorFixture *f);
/* Each with the token of @route. */
void collector_assert_progress (const ScriptFrame *frame, guint64 route, gboolean started, guint64 done);
void collector_assert_outcome (const ScriptFrame *frame, guint64 route, guint32 kind);
