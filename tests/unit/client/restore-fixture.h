/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "script.h"
#include "session/deye-bus-session.h"

/* A session over several connections, with a stash, against a scripted broker. No socket, no clock. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  DeyeBusStash stash;
  guint64 connections;
  guint64 said_last_message; /* in the last HELLO */
  guint64 newest;            /* number that the client gave to a message last */
  GByteArray *in;            /* scripted, not fed yet */
  GByteArray *out;           /* sent by the client, not checked yet */
} RestoreFixture;

void restore_fixture_set_up (RestoreFixture *f, gconstpointer data);
void restore_fixture_tear_down (RestoreFixture *f, gconstpointer data);

/* The broker says what was scripted. */
void restore_fixture_feed (RestoreFixture *f);
/* Frames that the client has sent by now. */
GPtrArray *restore_fixture_take (RestoreFixture *f);

/* Begins a connection: sends HELLO. */
void restore_fixture_next_connection (RestoreFixture *f);
/* @wish: (nullable). Reads HELLO. */
void restore_fixture_welcome (RestoreFixture *f, const ScriptWelcome *wish);
/* The connection is lost, and the next one begins. */
void restore_fixture_lose (RestoreFixture *f);
/* The first connection is ready. */
void restore_fixture_first_connection (RestoreFixture *f);

/* The id of the subscription that a request is about; 0: it is another request. */
guint32 restore_fixture_subscribed_id (const ScriptFrame *frame);
/* Begins a subscribe call. */
DeyeBusPending *restore_fixture_subscribe (RestoreFixture *f, DeyeBusChannel **channel);
/* A channel of the first connection, which is restored by then. */
DeyeBusChannel *restore_fixture_subscribed (RestoreFixture *f);
guint64 restore_fixture_id_of (GPtrArray *frames, guint i);
