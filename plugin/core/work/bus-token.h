/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The token of a lease: the epoch of the broker, a hash of the task's account and id, the attempt that the lease begins, and 64
 * random bits. Every frame of a holder about its task carries it.
 *
 * Two leases of a task differ in the random bits, even if both begin the same attempt. Only the holder was sent these bits, so
 * no other peer can answer for it; tokens are compared in constant time. The random bits are made from the seed of the core, so
 * the same input gives the same tokens. The hash is the same in every broker: after a restart the new broker sees that a claim
 * is about a task of this account, although a claim does not name the account.
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
  guint64 n; /* number of tokens that were made */
} BusTokenSource;

/* Returns the next random bits. */
guint64 bus_token_random (BusTokenSource *source);

/* The hash of a task. @account: the name of the account */
guint64 bus_token_task_hash (WireSpan account, WireSpan id);

/* Encodes @parts. @token has BUS_TOKEN_LEN bytes. */
void bus_token_write (guint8 *token, const BusTokenParts *parts);

/* Decodes @token. FALSE: it has another length */
gboolean bus_token_read (WireSpan token, BusTokenParts *parts);

/* Compares in constant time. @token has BUS_TOKEN_LEN bytes. */
gboolean bus_token_equal (const guint8 *token, WireSpan other);
