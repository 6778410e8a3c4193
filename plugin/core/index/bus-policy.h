/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Rights: decides whether a peer may publish to a topic, send requests to it, subscribe to it, serve it or receive messages from
 * it.
 *
 * All paths call one function, bus_policy_authorize(). The rights are built in, as one table in bus-policy.c: each row lists
 * topics and the peers that may publish, request, subscribe and serve. If several rows list a topic, the longest one decides. A
 * topic that no row lists is denied by the rule "no-rule". The manual page daemoneye-eventbus(7) has the table with the names of
 * the rules.
 *
 * A pattern with wildcards is allowed if the peer may read at least one topic that the pattern matches. Messages that the peer
 * must not read are left out when they are delivered (BUS_OP_DELIVER), so a wildcard never gives a right. Example: a collector may
 * subscribe to `#`, because it may read `events.process.lifecycle`; it gets no message of `control.agent.policy`.
 *
 * Invariant: the verdict depends on the arguments only; this module has no state.
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
  BUS_OP_REQUEST,   /* send a request to a topic */
  BUS_OP_SUBSCRIBE, /* a topic or a pattern */
  BUS_OP_SERVE,     /* answer requests to a topic (never a pattern) */
  BUS_OP_BLOCK,     /* use the policy block in a subscription to a topic or pattern */
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

/* TRUE: bus_policy_authorize() allows every peer to receive messages of this topic. FALSE: the caller must check each peer. */
gboolean bus_policy_lets_all_receive (WireSpan topic);

/* TRUE if only the agent may use this id. */
gboolean bus_policy_id_is_reserved (WireSpan id);
