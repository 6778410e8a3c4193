/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "raw-socket.h"
#include "script.h"

/*
 * A client at one end of a connected pair of sockets; the test acts as the broker at the other end.
 *
 * Ids are predictable (2, 4, 6, ... for calls with an answer), so a test can send the answer to a synchronous call before it
 * makes the call: it needs no threads and no sleeps. The client has its own context, which is the thread's default
 * while the test runs.
 */

typedef struct
{
  GMainContext *context;
  DeyeBusClient *client;
  RawSocket *peer; /* the broker's end; NULL: closed */
  GByteArray *in;  /* scripted, not sent to the client yet */
  GByteArray *out; /* received from the client, not parsed yet */
} ClientFixture;

void client_fixture_set_up (ClientFixture *f, gconstpointer data);
/* Asserts that the client is freed and no source of it is left. */
void client_fixture_tear_down (ClientFixture *f, gconstpointer data);

void client_fixture_connect (ClientFixture *f, const ScriptWelcome *welcome);
/* Sends the scripted frames to the client. */
void client_fixture_send (ClientFixture *f);
/* Takes the frames that have arrived from the client. */
GPtrArray *client_fixture_receive (ClientFixture *f);
/* The same, and asserts that there is exactly one frame, of @kind. */
GPtrArray *client_fixture_receive_one (ClientFixture *f, guint8 kind);
void client_fixture_disconnect (ClientFixture *f);
/* Closes the client without waiting, and asserts that @n messages are reported as not sent. */
void client_fixture_close_unsent (ClientFixture *f, guint64 n);
/* Closes the client, which ends @subscription. Asserts that the data of its callback was freed once, counted in @destroyed. */
void client_fixture_end_subscription (ClientFixture *f, DeyeBusSubscription **subscription, const guint *destroyed);
/* Iterates the context until there is nothing to do at once. */
void client_fixture_settle (ClientFixture *f);
void client_fixture_send_and_settle (ClientFixture *f);

/* Returns the newest total of messages in a CREDIT for a subscription since the last call; 0: there was none. */
guint64 client_fixture_receive_credit (ClientFixture *f);

#define client_fixture_wait(f, condition)                                                                              \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
  }                                                                                                                    \
  G_STMT_END

/* The end of an asynchronous call. */
typedef struct
{
  GAsyncResult *result;
  guint calls;
} ClientResult;
void client_result_set (GObject *source, GAsyncResult *result, gpointer data);
void client_result_clear (ClientResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ClientResult, client_result_clear)
