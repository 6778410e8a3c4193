/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * Overflow: the policies for a subscription that does not keep up, their defaults, and the reasons for which a
 * message can be lost.
 *
 * This module has only the definitions. bus-admit applies a policy when a queue is full, bus-block ends a block. The
 * numbers are those of the wire (SubscribeRequest.policy).
 */

typedef enum
{
  BUS_OVERFLOW_DEFAULT = 0, /* in a request: the default of the pattern's domain; never in force */
  BUS_OVERFLOW_BLOCK = 1,
  BUS_OVERFLOW_DROP_OLDEST = 2,
  BUS_OVERFLOW_DROP_NEWEST = 3,
  BUS_OVERFLOW_ERROR = 4,
  BUS_OVERFLOW_CONFLATE = 5,
} BusOverflow;
#define BUS_OVERFLOW_LAST 5u

/* The bounds of the messages that wait for one subscription, and the policy above them. */
typedef struct
{
  BusOverflow policy;
  guint64 messages;
  guint64 bytes; /* of the clients' bytes */
} BusBounds;

/* The default of a pattern's domain: tasks and results block, health conflates, control drops the newest message,
 * all others drop the oldest. */
BusOverflow bus_overflow_of_pattern (WireSpan pattern);

const char *bus_overflow_name (BusOverflow policy);

/* Reasons for which a message was lost. */
typedef enum
{
  BUS_LOSS_FULL,    /* its queue was full, or a newer message replaced it */
  BUS_LOSS_REFUSED, /* by the policy error, or by a block that could not hold more */
  BUS_LOSS_EXPIRED, /* its time to live or the longest block ended */
  BUS_LOSS_NO_MEMORY,
  BUS_LOSS_LIMIT,  /* the account or the broker held as much as it may */
  BUS_LOSS_ENDED,  /* its subscription ended while it waited */
  BUS_LOSS_UNSENT, /* its publisher accepted it and could not send it */
} BusLoss;
#define BUS_N_LOSSES 7u

/* The reason as GAP, system.drop and statistics report it. */
WireStatus bus_loss_status (BusLoss loss);

/* Statistics by topic domain: the first segment. */
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

/* Under these policies a new message takes the place of older ones. */
static inline gboolean
bus_overflow_drops_oldest (BusOverflow policy)
{
  return policy == BUS_OVERFLOW_DROP_OLDEST || policy == BUS_OVERFLOW_CONFLATE;
}
