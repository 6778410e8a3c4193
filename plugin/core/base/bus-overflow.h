/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * What becomes of messages for a subscription that does not keep up, as plain words: policies, their defaults, and the
 * reasons for which a message can be missed.
 *
 * This room decides nothing at run time: bus-admit acts on it when a queue is full, bus-block runs the clock of a block.
 * Numbers are those of the wire (SubscribeRequest.policy).
 */

typedef enum
{
  BUS_OVERFLOW_DEFAULT = 0, /* asked for: that of the pattern's domain; never in force */
  BUS_OVERFLOW_BLOCK = 1,
  BUS_OVERFLOW_DROP_OLDEST = 2,
  BUS_OVERFLOW_DROP_NEWEST = 3,
  BUS_OVERFLOW_ERROR = 4,
  BUS_OVERFLOW_CONFLATE = 5,
} BusOverflow;
#define BUS_OVERFLOW_LAST 5u

/* How much may wait for one subscription, and what happens when it would be more. */
typedef struct
{
  BusOverflow policy;
  guint64 messages;
  guint64 bytes; /* of the clients' bytes */
} BusBounds;

/* That of a pattern's domain: tasks and results block, health conflates, control drops the newest, the rest the oldest. */
BusOverflow bus_overflow_of_pattern (WireSpan pattern);

const char *bus_overflow_name (BusOverflow policy);

/* Why a message was missed. */
typedef enum
{
  BUS_LOSS_FULL,    /* its queue was full, or a newer one took its place */
  BUS_LOSS_REFUSED, /* the policy error, or a block that could not hold more */
  BUS_LOSS_EXPIRED, /* its time to live or the longest block was over */
  BUS_LOSS_NO_MEMORY,
  BUS_LOSS_LIMIT, /* account or broker held all that they may */
} BusLoss;
#define BUS_N_LOSSES 5u

/* As GAP tells it. */
WireStatus bus_loss_status (BusLoss loss);

/* Statistics by topic domain: the first segment. */
#define BUS_N_DOMAINS     7u
#define BUS_DOMAIN_SYSTEM 5u /* what the broker itself says */
guint bus_domain_of_topic (WireSpan topic);
const char *bus_domain_name (guint domain);

typedef struct
{
  guint64 accepted; /* messages */
  guint64 accepted_bytes;
  guint64 delivered; /* one for each subscription */
  guint64 missed;
} BusDomainCounts;
