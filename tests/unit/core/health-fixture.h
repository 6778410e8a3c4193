/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "health.pb-c.h"
#include "member-fixture.h"
#include "peer/bus-peer.h"

/* The health of peers, beside member-fixture: the reports of peers, and the health that an agent reads. */

typedef Daemoneye__Eventbus__V1__HealthListReply HealthListReply;
typedef Daemoneye__Eventbus__V1__HealthListRequest HealthListRequest;
typedef Daemoneye__Eventbus__V1__HealthRecord HealthRecord;
typedef Daemoneye__Eventbus__V1__UnitHealth UnitHealth;

/* An agent that subscribes to system.health.#. */
Client *health_watcher (Core *core);
/* The received messages on system.health.#, with the earlier state: "one:healthy-degraded"; "." is the end of the retained
 * ones. */
char *health_take_news (Client *watcher);
/* The newest message about that peer; takes the others as well. NULL: there is none. Free with member_done(). */
HealthRecord *health_take_record (Client *watcher, const char *id);

/* control.bus.health List. Free with member_done() */
HealthListReply *health_call_list (Client *client, HealthListRequest *request);
/* "one=healthy two=degraded" */
char *health_list (Client *client);

void health_pong (Client *client);
/* Advances the time. All peers except @silent answer. */
void health_pass_time (Core *core, gint64 us, Client *silent);

/* "disk:2:it is full cache:3:" */
void health_report (Client *client, const char *units);
void health_beat (Client *client, guint health, const char *detail);

#define health_assert_list(client, expected)                                                                           \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *listed = health_list (client);                                                                  \
      g_assert_cmpstr (listed, ==, expected);                                                                          \
    }                                                                                                                  \
  while (0)

#define health_assert_news(client, expected)                                                                           \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *news = health_take_news (client);                                                               \
      g_assert_cmpstr (news, ==, expected);                                                                            \
    }                                                                                                                  \
  while (0)
