/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-token.h"

#include "base/bus-hash.h"

/* Never returns a value twice: the sum takes each of 2^64 values once, and the mix is a bijection. */
guint64
bus_token_random (BusTokenSource *source)
{
  return bus_hash_mix (source->seed + ++source->n * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));
}

guint64
bus_token_task_hash (WireSpan account, WireSpan id)
{
  return bus_hash (bus_hash (0, account), id);
}

static guint8 *
token_put (guint8 *at, guint64 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    *at++ = (guint8) (value >> (8 * i));
  return at;
}

static const guint8 *
token_get (const guint8 *at, guint64 *value, guint n_bytes)
{
  *value = 0;
  for (guint i = 0; i < n_bytes; i++)
    *value |= (guint64) *at++ << (8 * i);
  return at;
}

void
bus_token_write (guint8 *token, const BusTokenParts *parts)
{
  guint8 *at = token_put (token, parts->epoch, 8);

  at = token_put (at, parts->task_hash, 8);
  at = token_put (at, parts->attempt, 4);
  token_put (at, parts->random, 8);
}

gboolean
bus_token_read (WireSpan token, BusTokenParts *parts)
{
  const guint8 *at = token.data;
  guint64 attempt;

  if (token.len != BUS_TOKEN_LEN)
    return FALSE;
  at = token_get (at, &parts->epoch, 8);
  at = token_get (at, &parts->task_hash, 8);
  at = token_get (at, &attempt, 4);
  token_get (at, &parts->random, 8);
  parts->attempt = (guint32) attempt;
  return TRUE;
}

gboolean
bus_token_equal (const guint8 *token, WireSpan other)
{
  guint8 difference = 0;

  if (other.len != BUS_TOKEN_LEN)
    return FALSE;
  for (guint i = 0; i < BUS_TOKEN_LEN; i++)
    difference |= token[i] ^ other.data[i];
  return difference == 0;
}
