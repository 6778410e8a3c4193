/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "control.pb-c.h"
#include "health.pb-c.h"
#include "test-system.h"
#include "wire-guard.h"

/* A subscription, and a log of the messages that its callback received. */

typedef ClientFixture Fixture;

typedef struct
{
  Fixture *f;
  DeyeBusSubscription *subscription;
  GString *got; /* payloads, each followed by a blank */
  guint depth;  /* of callbacks; must stay 1 */
  guint destroyed;
  guint64 missed;
  void (*act) (gpointer log); /* called in the callback */
} Log;

void subscriptions_fixture_log_init (Log *log, Fixture *f);

/* Closes the client. Asserts that the data of the callback is freed once. */
void subscriptions_fixture_log_clear (Log *log);

void subscriptions_fixture_on_destroyed (gpointer data);

void subscriptions_fixture_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data);

void subscriptions_fixture_deliver (Fixture *f, const Log *log, const char *payload);

void subscriptions_fixture_start (Fixture *f, Log *log, gboolean pull);
