/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"
#include "introspection.pb-c.h"

/*
 * Introspection by a client: it reads the pages of a section one after the other.
 */

typedef Daemoneye__Eventbus__V1__BusIntrospectReply IntrospectReply;

#define PEERS         1u
#define SUBSCRIPTIONS 2u
#define GROUPS        3u
#define TOPICS        4u

const IntrospectReply *introspect_reply (const WireGuard *guard);

/* The listed items, as texts that have the order of the section when they are sorted. */
void introspect_add_keys (GPtrArray *keys, const IntrospectReply *reply);

void introspect_expect_ascending (const GPtrArray *keys);

/* Reads all pages. @between: (nullable): called after each page. */
GPtrArray *introspect_all_pages (Client *asker,
                                 guint section,
                                 guint limit,
                                 const char *peer,
                                 void (*between) (Client *asker, guint page));
