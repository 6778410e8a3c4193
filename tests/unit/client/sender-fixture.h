/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls-fixture.h"

/* A sender of the client of a fixture, threads that use it, and what the broker gets. */

#define SENDER_TOPIC "events.process.new"

typedef struct
{
  ClientFixture base;
  DeyeBusSender *sender;
  GString *heard; /* first bytes of the payloads that the broker got */
} SenderFixture;

void sender_fixture_set_up (SenderFixture *f, gconstpointer data);
void sender_fixture_tear_down (SenderFixture *f, gconstpointer data);

/* One message for each character, in this thread. Each must be queued. */
void sender_fixture_put (SenderFixture *f, const char *names);
/* The same in another thread, which has ended when the call returns. */
void sender_fixture_put_elsewhere (SenderFixture *f, const char *names);
/* FALSE, with an error of this code. */
void sender_fixture_put_fails (SenderFixture *f, DeyeBusError code);
/* Adds what the broker has got by now to @heard, and compares. */
void sender_fixture_expect (SenderFixture *f, const char *heard);
void sender_fixture_hear (SenderFixture *f);
/* Iterates the context until the broker has got that many messages. */
void sender_fixture_wait (SenderFixture *f, gsize n);
