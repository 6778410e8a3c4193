/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * Overflow: the policies for a subscription that does not keep up, their defaults, and the reasons for which a message can be
 * lost.
 *
 * This module has only definitions. bus-admit applies a policy when a queue is full, bus-trim when bounds are lowered or the
 * broker is full, and bus-block ends a block. The values are those of the wire (SubscribeRequest.policy).
 */

typedef enum
{
  BUS_OVERFLOW_DEFAULT = 0, /* only in a request: the default of the domain of the pattern */
  BUS_OVERFLOW_BLOCK = 1,
  BUS_OVERFLOW_DROP_OLDEST = 2,
  BUS_OVERFLOW_DROP_NEWEST = 3,
  BUS_OVERFLOW_ERROR = 4,
  BUS_OVERFLOW_CONFLATE = 5,
} BusOverflow;
#define BUS_OVERFLOW_LAST 5u

/* The bounds of the messages that wait for one subscription, and the policy that applies when they are exceeded. */
typedef struct
{
  BusOverflow policy;
  guint32 messages;
  guint64 bytes; /* sum of the client bytes */
} BusBounds;

/* The default of the domain of a pattern: block for tasks and results, conflate for health and control.health, drop-newest for
 * the rest of control, drop-oldest for all others. */
BusOverflow bus_overflow_of_pattern (WireSpan pattern);

const char *bus_overflow_name (BusOverflow policy);

/* Reasons for which a message was lost. */
typedef enum
{
  BUS_LOSS_FULL,    /* its queue was full, or a newer message replaced it */
  BUS_LOSS_REFUSED, /* the policy error or block refused it, see bus-admit */
  BUS_LOSS_EXPIRED, /* its time to live was over, or its subscription blocked publishers for too long */
  BUS_LOSS_NO_MEMORY,
  BUS_LOSS_LIMIT,  /* the account or the broker was full */
  BUS_LOSS_ENDED,  /* its subscription ended while it waited */
  BUS_LOSS_UNSENT, /* the library of its publisher accepted it and could not send it */
} BusLoss;
#define BUS_N_LOSSES 7u

/* The reason as GAP, system.drop and statistics report it. */
WireStatus bus_loss_status (BusLoss loss);

/* Statistics by the domain of the topic, which is its first segment. */
#define BUS_N_DOMAINS     7u
#define BUS_DOMAIN_SYSTEM 5u /* the broker's own messages */
guint bus_domain_of_topic (WireSpan topic);
const char *bus_domain_name (guint domain);

typedef struct
{
  guint64 accepted; /* messages */
  guint64 accepted_bytes;
  guint64 delivered; /* one for each subscription */
  guint64 missed;
} BusDomainCounts;

/* TRUE if the policy drops older messages to make room for a new one. */
static inline gboolean
bus_overflow_drops_oldest (BusOverflow policy)
{
  return policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
}
