/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "control.pb-c.h"
#include "health.pb-c.h"
#include "introspection.pb-c.h"
#include "test-system.h"
#include "wire-feature.h"
#include "wire-guard.h"
#include <math.h>

/* A client with services, and a scripted broker that sends requests to them. */

#define TOPIC "control.collector.tester"

/* A FileDescriptorSet of one file, called "a". */
#define TYPES "\x0a\x03\x0a\x01\x61"

typedef ClientFixture Fixture;
typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;
typedef Daemoneye__Eventbus__V1__IntrospectReply IntrospectReply;
typedef Daemoneye__Eventbus__V1__Properties Properties;

static const ScriptWelcome with_methods = { .features = WIRE_FEATURE_PEER_METHODS };

GPtrArray *services_fixture_receive (Fixture *f);

/* Connects until the client requests to serve its methods; the broker has not answered. */
void services_fixture_connect_until_asked (Fixture *f, ClientResult *result);

void services_fixture_connect_served (Fixture *f);

/* Calls @method of the client, and returns its answer with all frames that were sent in the same turn. */
GPtrArray *services_fixture_call (Fixture *f, const char *method, const char *payload);

const WireEnvelope *services_fixture_last (GPtrArray *frames);

void services_fixture_assert_span (WireSpan span, const char *text);

void services_fixture_assert_error (Fixture *f, const char *method, const char *payload, const char *name);

WireGuard *
services_fixture_call_for (Fixture *f, const char *method, const char *payload, const ProtobufCMessageDescriptor *type);

typedef struct
{
  guint calls;
  guint destroyed;
} Watch;

/* The object outlives the test, because the fixture frees the services with the client. */
Watch *services_fixture_new_watch (void);

void services_fixture_on_call (DeyeBusClient *client, DeyeBusMessage *request, gpointer data);

DeyeBusService *services_fixture_new_service (Watch *watch);

DeyeBusService *services_fixture_connect_with_service (Fixture *f, Watch *watch);
