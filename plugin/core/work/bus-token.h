/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The token of a lease: the epoch of the broker, a hash of the task's account and id, the attempt that the lease begins, and 64
 * bits that only the holder was sent. Every answer of a holder carries it.
 *
 * Two leases of a task differ in the random bits, also when both begin the same attempt. Tokens are compared in constant time.
 * The random bits come from the seed of the core, so the same inputs give the same tokens. The hash is the same in every broker:
 * it shows a new one that a claim is about a task of that account, whose ids nobody else knows.
 *
 * Invariant: a source never returns the same bits twice.
 */

#define BUS_TOKEN_LEN 28u

typedef struct
{
  guint64 epoch;
  guint64 task_hash;
  guint32 attempt;
  guint64 random;
} BusTokenParts;

typedef struct
{
  guint64 seed;
  guint64 n; /* of tokens that were made */
} BusTokenSource;

guint64 bus_token_random (BusTokenSource *source);

/* @account: its name */
guint64 bus_token_task_hash (WireSpan account, WireSpan id);

/* @token has BUS_TOKEN_LEN bytes. */
void bus_token_write (guint8 *token, const BusTokenParts *parts);

/* FALSE: @token has another length. */
gboolean bus_token_read (WireSpan token, BusTokenParts *parts);

/* @token has BUS_TOKEN_LEN bytes. */
gboolean bus_token_equal (const guint8 *token, WireSpan other);
