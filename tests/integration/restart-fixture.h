/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"
#include "introspection.pb-c.h"
#include "test-dir.h"
#include <string.h>

/* An agent that a test kills and starts again, and clients that count the messages that they receive. */

#define TOPIC           "events.process.lifecycle"
#define SERVED          "control.collector.task.procmond"
#define N_GROUPS        5u
#define SHORT_OUTAGE_MS 200
#define LONG_OUTAGE_MS  2000
#define ASKED_AT_ONCE   40u /* below the limit of pending requests */

typedef struct
{
  GMainContext *context;
  char *dir;
  char *address;
  TestProcess *agent;
  GPtrArray *clients;   /* of RestartClient */
  DeyeBusClient *asker; /* a tool; NULL: none */
  guint64 round;        /* the number in the messages of the present round */
} RestartFixture;

typedef struct
{
  RestartFixture *f;
  guint number;
  DeyeBusClient *client;
  DeyeBusClientState last; /* state that was notified */
  guint ready;             /* how often the state became READY */
  guint interrupted;
  guint epochs;
  guint closed;
  guint all;    /* messages of this round to the plain subscription */
  guint shared; /* ... to the group */
  guint other;  /* messages of other rounds */
} RestartClient;

void restart_fixture_agent_start (RestartFixture *f);

void restart_fixture_agent_kill (RestartFixture *f);

/* Kills the agent, and starts it again after @outage_ms. The context of the clients is iterated during the outage. */
void restart_fixture_agent_restart (RestartFixture *f, guint outage_ms);

void restart_fixture_set_up (RestartFixture *f, gconstpointer data);

void restart_fixture_tear_down (RestartFixture *f, gconstpointer data);

guint64 restart_fixture_message_round (DeyeBusMessage *message);

void restart_fixture_on_all (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data);

/* The client is not connected yet if the agent does not run. */
RestartClient *restart_fixture_client_new (RestartFixture *f);

void restart_fixture_client_subscribe (RestartClient *c);
