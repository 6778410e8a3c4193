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
 * The ids of the collector's requests are predictable: Register has 2, and the requests that open its topics have 4 (tasks) and 6
 * (lifecycle). These are the subscriptions 1 and 2.
 */

#define COLLECTOR_TOPIC "control.collector.task.procmond.tester"

typedef Daemoneye__Eventbus__V1__Execute ScriptExecute;
typedef Daemoneye__Eventbus__V1__Outcome ScriptOutcome;
typedef Daemoneye__Eventbus__V1__Progress ScriptProgress;

/* The last call of a handler, with a reference to its work. */
typedef struct
{
  guint calls;
  DeyeBusWork *work; /* the last one; NULL: it was dropped */
  gboolean drops;    /* the handler keeps no reference to the work */
  gboolean succeeds; /* the handler ends the work at once */
} HandlerLog;
void collector_on_work (DeyeBusCollector *collector, DeyeBusWork *work, gpointer log);

typedef struct
{
  ClientFixture base;
  DeyeBusCollector *collector;
  HandlerLog log;   /* of the operation "scan" */
  guint registered; /* emissions of the signals */
  guint refused;
  guint draining;
  guint drained;
  GError *refusal;       /* the last one */
  ScriptWelcome welcome; /* without the features */
} CollectorFixture;

/* The collector has the operation "scan", and is not started. */
void collector_fixture_set_up (CollectorFixture *f, gconstpointer data);
void collector_fixture_tear_down (CollectorFixture *f, gconstpointer data);

/* Starts the collector. The broker has sent WELCOME with the feature TASKS, but has not answered the requests. */
void collector_fixture_begin (CollectorFixture *f);
/* The same; afterwards the collector is registered and ready, and its task topic is served. */
void collector_fixture_start (CollectorFixture *f);

/* Appends the broker's answer to a request. */
void collector_script_reply (GByteArray *out, guint64 answers, const ProtobufCMessage *message);
void collector_script_registered (GByteArray *out, guint64 answers, guint64 registration_id);
/* Appends Execute of the task @id from the broker. The token is "token-@route". @execute: (nullable): its other fields. */
void collector_script_execute (GByteArray *out, guint64 route, const char *id, const ScriptExecute *execute);
/* The same from any sender, with any payload, on the subscription @subscription. */
void collector_script_order (GByteArray *out, guint64 route, const char *sender, const void *payload, gsize len);
void collector_script_lifecycle_event (GByteArray *out, const char *sender, const ProtobufCMessage *message);
/* Appends the lifecycle event DRAIN. */
void collector_script_lifecycle (GByteArray *out, const char *sender, guint64 grace_us, gboolean expect_exit);
void collector_script_cancel (GByteArray *out, guint64 route, guint32 status);
void collector_script_delivered (GByteArray *out, guint64 route);

/* Unpacks the payload of a frame. */
WireGuard *collector_unpack (const ScriptFrame *frame, const ProtobufCMessageDescriptor *type);
/* Returns the first request about the registration with @method; NULL: there is none. */
const ScriptFrame *collector_find_request (GPtrArray *frames, const char *method);
/* Takes the frames that have arrived from the client, without CREDIT. */
GPtrArray *collector_receive (CollectorFixture *f);
/* Sends the scripted request. Asserts that the only answer is the error BadRequest. */
void collector_assert_bad_request (CollectorFixture *f);
/* Each asserts the token of @route as well. */
void collector_assert_progress (const ScriptFrame *frame, guint64 route, gboolean started, guint64 done);
void collector_assert_outcome (const ScriptFrame *frame, guint64 route, guint32 kind);
