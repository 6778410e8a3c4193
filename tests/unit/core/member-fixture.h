/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "core-fixture.h"
#include "wire-feature.h"
#include "work/bus-membership.h"

/* Registered collectors, for core-fixture: their registrations, and the records that the agent reads. */

#define MSG(name)  daemoneye__eventbus__v1__##name
#define SECOND     G_TIME_SPAN_SECOND
#define REGISTERED "control.collector.registration"

typedef Daemoneye__Eventbus__V1__CollectorsRequest CollectorsRequest;
typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__RegisterReply RegisterReply;
typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;

guint64 member_ask (Client *client,
                    const char *topic,
                    const char *method,
                    const ProtobufCMessage *request,
                    guint64 deadline_us);
/* Returns the unpacked reply; or asserts the ERROR and returns NULL. */
gpointer member_call (Client *client,
                      const char *topic,
                      const char *method,
                      const ProtobufCMessage *request,
                      const ProtobufCMessageDescriptor *type,
                      WireStatus want);
void member_done (gpointer message);
Client *member_new (Core *core, const char *id);
Client *member_agent (Core *core);
/* The registration with which every test begins: one operation, two slots. */
void member_fill (RegisterRequest *request, Client *client, Operation *operation, Operation **list, const char *name);
guint64 member_enrol (Client *client, const char *operation_name);
void member_serve (Client *client);
Client *member_ready (Core *core, const char *id);
/* The collectors that match, as text: "a=ready b=suspect". */
char *member_list_with (Client *client, CollectorsRequest *request, char **cursor);
char *member_list (Client *client);
/* The received messages on system.collector.#, by topic: "registered(a) a=ready"; "." is the end of the retained ones. */
char *member_take_news (Client *client);
BusMember *member_of (Core *core, const char *id);
/* A failure, as the leases report it. */
void member_strike (Core *core, const char *id);
/* All peers except @silent answer PING in time. */
void member_pass_time (Core *core, gint64 us, Client *silent);

#define member_assert_list(client, expected)                                                                           \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *listed = member_list (client);                                                                  \
      g_assert_cmpstr (listed, ==, expected);                                                                          \
    }                                                                                                                  \
  while (0)

#define member_assert_news(client, expected)                                                                           \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *news = member_take_news (client);                                                               \
      g_assert_cmpstr (news, ==, expected);                                                                            \
    }                                                                                                                  \
  while (0)
