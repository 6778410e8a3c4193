/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "raw-socket.h"
#include "script.h"

/*
 * A client at one end of a connected pair of sockets; the test plays the broker at the other end.
 *
 * Ids are predictable (2, 4, 6, ... for calls with an answer), so a test can send the answer to a synchronous call before it
 * makes the call: it needs no threads and no sleeps. The client has a context of its own, which is the thread's default
 * while the test runs.
 */

typedef struct
{
  GMainContext *context;
  DeyeBusClient *client;
  RawSocket *peer; /* the broker's end; NULL: closed */
  GByteArray *in;  /* to be said */
  GByteArray *out; /* heard, not taken apart yet */
} ClientFixture;

void client_fixture_set_up (ClientFixture *f, gconstpointer data);
/* Asserts that nothing is left of the client. */
void client_fixture_tear_down (ClientFixture *f, gconstpointer data);

void client_fixture_connect (ClientFixture *f, const ScriptWelcome *welcome);
/* Writes what was scripted. */
void client_fixture_say (ClientFixture *f);
/* Frames that came from the client by now. */
GPtrArray *client_fixture_hear (ClientFixture *f);
/* As client_fixture_hear(), and asserts that it is one frame of @kind. */
GPtrArray *client_fixture_hear_one (ClientFixture *f, guint8 kind);
void client_fixture_hang_up (ClientFixture *f);
/* Closes the client without waiting, and asserts that @n messages are reported as not sent. */
void client_fixture_close_unsent (ClientFixture *f, guint64 n);
/* Closes the client, which ends @subscription; the data of its callback was freed once by then, as @destroyed counts. */
void client_fixture_end_subscription (ClientFixture *f, DeyeBusSubscription **subscription, const guint *destroyed);
/* Iterates the context until there is nothing to do at once. */
void client_fixture_settle (ClientFixture *f);
void client_fixture_say_and_settle (ClientFixture *f);

/* The newest total of messages in a CREDIT for a subscription since the last call; 0: there was none. */
guint64 client_fixture_hear_credit (ClientFixture *f);

#define client_fixture_wait(f, condition)                                                                              \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
  }                                                                                                                    \
  G_STMT_END

/* An asynchronous call's end. */
typedef struct
{
  GAsyncResult *result;
  guint calls;
} ClientResult;
void client_result_set (GObject *source, GAsyncResult *result, gpointer data);
void client_result_clear (ClientResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ClientResult, client_result_clear)
