/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"

#include <sys/un.h>

/*
 * A client that connects to an address, and a fake broker there, which the test can restart any number of times.
 * The client does not reconnect by itself until the test enables this.
 */

typedef struct
{
  GMainContext *context;
  char *directory;
  char *path;
  int listener;       /* -1: nothing listens */
  GThread *thread;    /* accepts the next connection; NULL: no thread runs */
  GBytes *welcome;    /* for the thread */
  int peer;           /* the broker's end of the accepted connection; -1: none */
  gboolean reconnect; /* connect again when the state becomes DISCONNECTED */
  DeyeBusClient *client;
  ClientResult result; /* of the asynchronous attempt */
} ReconnectFixture;

void reconnect_fixture_set_up (ReconnectFixture *f, gconstpointer data);
void reconnect_fixture_tear_down (ReconnectFixture *f, gconstpointer data);
/* Iterates the context until there is nothing to do at once. */
void reconnect_fixture_settle (ReconnectFixture *f);

struct sockaddr_un reconnect_fixture_address (ReconnectFixture *f);
void reconnect_fixture_listen (ReconnectFixture *f, int backlog);
/* Accepts the client's next connection, and sends WELCOME. @granted: (nullable) */
void reconnect_fixture_accept (ReconnectFixture *f, const ScriptWelcome *granted);
/* Accepts the client's next connection, and lets it become ready. @granted: (nullable) */
void reconnect_fixture_welcome (ReconnectFixture *f, const ScriptWelcome *granted);
/* Receives until the next request of the client, and returns its id. */
guint64 reconnect_fixture_next_request (ReconnectFixture *f);
/* Takes the frames that have arrived from the client. */
GPtrArray *reconnect_fixture_receive (ReconnectFixture *f);
/* Sends @bytes to the client, and empties the array. */
void reconnect_fixture_send (ReconnectFixture *f, GByteArray *bytes);
