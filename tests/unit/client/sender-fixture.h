/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls-fixture.h"

/* A sender of the fixture's client, threads that use it, and the messages that the broker receives. */

#define SENDER_TOPIC "events.process.new"

typedef struct
{
  ClientFixture base;
  DeyeBusSender *sender;
  GString *received; /* first bytes of the payloads that the broker got */
} SenderFixture;

void sender_fixture_set_up (SenderFixture *f, gconstpointer data);
void sender_fixture_tear_down (SenderFixture *f, gconstpointer data);

/* Puts one message for each character, in this thread. Asserts that each is queued. */
void sender_fixture_put (SenderFixture *f, const char *names);
/* The same in another thread, which has ended when the call returns. */
void sender_fixture_put_elsewhere (SenderFixture *f, const char *names);
/* Asserts that a message is refused with the error @code. */
void sender_fixture_put_fails (SenderFixture *f, DeyeBusError code);
/* Adds the messages that the broker has received to f->received, and compares it with @received. */
void sender_fixture_expect (SenderFixture *f, const char *received);
void sender_fixture_receive (SenderFixture *f);
/* Iterates the context until the broker has received @n messages. */
void sender_fixture_wait (SenderFixture *f, gsize n);
