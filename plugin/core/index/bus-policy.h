/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Who may do what: one function, authorize(), asked on every path (publish, direct, broadcast, request, subscribe,
 * serve, deliver, introspect).
 *
 * The built-in rights are one table in bus-policy.c: topic prefix -> who may publish, subscribe, serve. The longest
 * listed prefix wins, what is not listed is denied by the rule "no-rule". A pattern with wildcards is allowed when some
 * listed prefix that it can match may be read by the asker; what it may not read is filtered at delivery
 * (BUS_OP_DELIVER), so deny wins over any wildcard. The policy keeps nothing about peers and no state.
 *
 * Invariant: the verdict depends on the arguments alone.
 */

typedef enum
{
  BUS_ROLE_COLLECTOR = 1,
  BUS_ROLE_TOOL = 2,
  BUS_ROLE_AGENT = 3,
} BusRole;

typedef enum
{
  BUS_OP_PUBLISH,   /* publish, direct and broadcast to a topic */
  BUS_OP_REQUEST,   /* a request to a topic: as publish, and control.bus.* for all */
  BUS_OP_SUBSCRIBE, /* a topic or a pattern */
  BUS_OP_SERVE,     /* answer requests to a topic (never a pattern) */
  BUS_OP_BLOCK,     /* hold publishers' credit back for a topic or pattern that it may subscribe to */
  BUS_OP_DELIVER,   /* may this receiver get a message that was published to this topic */
} BusOperation;

typedef struct
{
  BusRole role;
  WireSpan id;
  WireSpan type; /* of a collector; empty for tool and agent */
} BusPrincipal;

typedef struct
{
  gboolean allowed;
  const char *rule; /* name of the rule that decided: "events-own-domain", "no-rule"; static, never NULL */
} BusVerdict;

/* @topic: a valid topic, or for BUS_OP_SUBSCRIBE a valid pattern. */
BusVerdict bus_policy_authorize (const BusPrincipal *who, BusOperation operation, WireSpan topic);

/* Ids that no client but the agent may take. */
gboolean bus_policy_id_is_reserved (WireSpan id);
