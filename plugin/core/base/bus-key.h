/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-hash.h"

/*
 * A key of a hash table: bytes that a peer chose, with their hash.
 *
 * The hash is computed once, with the seed of the core, so that looking the key up in several tables costs one hash. A key does
 * not own its bytes: they belong to the value that contains the key or, for a look-up, to the frame.
 */
typedef struct
{
  guint64 hash;
  WireSpan text;
} BusKey;

static inline BusKey
bus_key (guint64 seed, WireSpan text)
{
  return (BusKey){ bus_hash (seed, text), text };
}

/* Compares bytes; when one text is the beginning of the other, the shorter one is smaller. */
static inline int
bus_key_compare_text (WireSpan a, WireSpan b)
{
  gsize len = MIN (a.len, b.len);
  int order = len > 0 ? memcmp (a.data, b.data, len) : 0;

  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline guint
bus_key_hash (gconstpointer key)
{
  return (guint) ((const BusKey *) key)->hash;
}

static inline gboolean
bus_key_equal (gconstpointer a, gconstpointer b)
{
  const BusKey *first = a;
  const BusKey *second = b;

  return first->hash == second->hash && wire_span_equal (first->text, second->text);
}
