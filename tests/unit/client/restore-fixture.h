/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "script.h"
#include "session/deye-bus-session.h"

/* A session over several connections with a stash, and a scripted broker. There is no socket, and the test sets the time. */

#define START_US 1000000
#define FAR_US   (START_US + 30000000)

typedef struct
{
  DeyeBusEvents events;
  DeyeBusPending *hello;
  DeyeBusSession *session;
  DeyeBusStash stash;
  guint64 connections;
  guint64 hello_last_message_number; /* in the last HELLO */
  guint64 newest;                    /* number of the client's newest message */
  GByteArray *in;                    /* scripted, not fed yet */
  GByteArray *out;                   /* sent by the client, not checked yet */
} RestoreFixture;

void restore_fixture_set_up (RestoreFixture *f, gconstpointer data);
void restore_fixture_tear_down (RestoreFixture *f, gconstpointer data);

/* Feeds the scripted frames of the broker to the session. */
void restore_fixture_feed (RestoreFixture *f);
/* Takes the frames that the client has sent. */
GPtrArray *restore_fixture_take (RestoreFixture *f);

/* Begins a connection: sends HELLO. */
void restore_fixture_next_connection (RestoreFixture *f);
/* Reads HELLO and sends WELCOME. @wish: (nullable) */
void restore_fixture_welcome (RestoreFixture *f, const ScriptWelcome *wish);
/* Ends the connection, and begins the next one. */
void restore_fixture_lose (RestoreFixture *f);
/* Makes the first connection, which is ready. */
void restore_fixture_first_connection (RestoreFixture *f);

/* The id of the subscription that a request is about; 0: it is another request. */
guint32 restore_fixture_subscribed_id (const ScriptFrame *frame);
/* Begins a subscribe call. */
DeyeBusPending *restore_fixture_subscribe (RestoreFixture *f, DeyeBusChannel **channel);
/* Returns a channel of the first connection, which is restored. */
DeyeBusChannel *restore_fixture_subscribed (RestoreFixture *f);
guint64 restore_fixture_id_of (GPtrArray *frames, guint i);
