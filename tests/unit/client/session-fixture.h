/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session.h"
#include "deye-bus.h"
#include "script.h"
#include "test-watchdog.h"
#include "wire-feature.h"

/* A session that gets the frames of a scripted broker, without a socket and a client. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  GByteArray *in;  /* scripted, not fed yet */
  GByteArray *out; /* sent by the client, not checked yet */
} Fixture;

static const DeyeBusHello hello = { "tester", "procmond", 1, 99, "0.1", 0, 0, WIRE_FEATURES_KNOWN };

void session_fixture_setup (Fixture *f, gconstpointer data);

void session_fixture_teardown (Fixture *f, gconstpointer data);

void session_fixture_feed (Fixture *f);

GPtrArray *session_fixture_take (Fixture *f);

void session_fixture_ready (Fixture *f, const ScriptWelcome *welcome);

DeyeBusChannel *session_fixture_subscribed (Fixture *f, gboolean pull, guint64 messages, guint64 bytes);

DeyeBusPending *session_fixture_publish (Fixture *f, DeyeBusPendingKind kind, const char *topic, gsize len);

guint session_fixture_count_events (Fixture *f, DeyeBusEventKind kind);
