/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"
#include "introspection.pb-c.h"

/*
 * Introspection as a client asks for it: the pages of a section, read one behind the other.
 */

typedef Daemoneye__Eventbus__V1__BusIntrospectReply IntrospectReply;

#define PEERS         1u
#define SUBSCRIPTIONS 2u
#define GROUPS        3u
#define TOPICS        4u

const IntrospectReply *introspect_reply (const WireGuard *guard);

/* The listed items, as texts that sort as the section does. */
void introspect_add_keys (GPtrArray *keys, const IntrospectReply *reply);

void introspect_expect_ascending (const GPtrArray *keys);

/* All pages, one behind the other. @between (nullable) is called after each. */
GPtrArray *introspect_all_pages (Client *asker,
                                 guint section,
                                 guint limit,
                                 const char *peer,
                                 void (*between) (Client *asker, guint page));
