/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-fixture.h"
#include "posix/reconnect-fixture.h"

/* A collector on the client of a ReconnectFixture: it has the operation "scan" and four slots, and registers on each connection. */

typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;

typedef struct
{
  ReconnectFixture base;
  DeyeBusCollector *collector;
  HandlerLog log;
  GByteArray *in; /* scripted, not sent to the client yet */
  guint64 asked;  /* id of Register */
  guint64 registrations;
} ClaimsFixture;

void claims_fixture_set_up (ClaimsFixture *f, gconstpointer data);
void claims_fixture_tear_down (ClaimsFixture *f, gconstpointer data);

/* Sends the scripted frames to the client. */
void claims_fixture_send (ClaimsFixture *f);
/* The same, and takes the frames of the client, without CREDIT. */
GPtrArray *claims_fixture_send_and_receive (ClaimsFixture *f);

/* Accepts the next connection as a broker with @epoch. Returns the client's Register request. */
WireGuard *claims_fixture_welcome (ClaimsFixture *f, guint64 epoch);
/* Answers the registration, and lets the client become ready. */
void claims_fixture_answer (ClaimsFixture *f, TaskClaim **fenced, gsize n);
/* Answers the registration, and scripts the answer to the request that opens the task topic. The client becomes ready with the
 * answer to the last request, whose id is then @f->asked. */
void claims_fixture_answer_in_part (ClaimsFixture *f, TaskClaim **fenced, gsize n);
/* Closes the connection. */
void claims_fixture_lose (ClaimsFixture *f);
/* Makes the first connection, on which the work "t-1" runs under the route 700. */
void claims_fixture_start_work (ClaimsFixture *f);

/* Scripts an Execute that adopts the first attempt of @id. @claimed: the token of the claim; "": the broker does not send it */
void claims_fixture_script_adopt_claimed (ClaimsFixture *f,
                                          guint64 route,
                                          const char *id,
                                          gboolean finished,
                                          const char *claimed);
void claims_fixture_script_adopt (ClaimsFixture *f, guint64 route, const char *id, gboolean finished);
