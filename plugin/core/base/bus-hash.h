/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The hash of the core's tables over bytes that peers chose. It is seeded, so that a peer cannot aim at collisions.
 *
 * It takes eight bytes at a time and folds each word in by multiplications and shifts (the mix of 64-bit finalizers).
 * The seed is added before each word, so two topics that collide under one seed do not collide under another. It is
 * not cryptographic: it prevents a peer that never sees a hash from building a slow table, and proves nothing about
 * the bytes.
 */

static inline guint64
bus_hash_mix (guint64 h)
{
  h ^= h >> 32;
  h *= G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  h ^= h >> 29;
  h *= G_GUINT64_CONSTANT (0xa0761d6478bd642f);
  h ^= h >> 32;
  return h;
}

static inline guint64
bus_hash (guint64 seed, WireSpan bytes)
{
  guint64 h = bus_hash_mix (seed + G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + bytes.len);
  gsize i = 0;

  for (; bytes.len - i >= 8; i += 8)
    {
      guint64 word;

      memcpy (&word, bytes.data + i, 8);
      h = bus_hash_mix ((h ^ word) + seed);
    }
  if (i < bytes.len)
    {
      guint64 word = 0;

      memcpy (&word, bytes.data + i, bytes.len - i);
      h = bus_hash_mix ((h ^ word) + seed);
    }
  return h;
}
