/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Rights: one function, authorize(), that every path calls (publish, direct, broadcast, request, subscribe, serve,
 * deliver, introspect).
 *
 * The built-in rights are one table in bus-policy.c: topic prefix, and which roles may publish, subscribe and serve.
 * The longest listed prefix decides; a topic that is not listed is denied by the rule "no-rule". The manual page
 * daemoneye-eventbus(7) has the table with the names of the rules. A pattern with
 * wildcards is allowed when the asker may read some listed prefix that it can match; what the asker may not read is
 * filtered at delivery (BUS_OP_DELIVER), so deny overrides any wildcard. The policy keeps no state and nothing about
 * peers.
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
  BUS_OP_REQUEST,   /* send a request to a topic: as publish, and control.bus.* for all roles */
  BUS_OP_SUBSCRIBE, /* a topic or a pattern */
  BUS_OP_SERVE,     /* answer requests to a topic (never a pattern) */
  BUS_OP_BLOCK,     /* use the policy block for a topic or pattern that it may subscribe to */
  BUS_OP_DELIVER,   /* receive a message that was published to this topic */
} BusRight;

typedef struct
{
  BusRole role;
  WireSpan id;
  WireSpan type;      /* of a collector; empty for tool and agent */
  gboolean has_tasks; /* the connection has the feature TASKS */
} BusPrincipal;

typedef struct
{
  gboolean allowed;
  const char *rule;  /* name of the rule that decided: "events-own-domain", "no-rule"; static, never NULL */
  const char *needs; /* English: which peers the rule allows; static, never NULL when denied */
} BusVerdict;

/* "publish", "request", ...; static. */
const char *bus_right_name (BusRight operation);

/* @topic: a valid topic, or for BUS_OP_SUBSCRIBE a valid pattern. */
BusVerdict bus_policy_authorize (const BusPrincipal *who, BusRight operation, WireSpan topic);

/* TRUE: bus_policy_authorize() allows every peer to receive what is published to this topic. FALSE: ask for each peer. */
gboolean bus_policy_lets_all_receive (WireSpan topic);

/* Ids that only the agent may use. */
gboolean bus_policy_id_is_reserved (WireSpan id);
