/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The hash function for tables whose keys are bytes that peers choose, such as topics and ids.
 *
 * It is seeded, so that a peer cannot choose keys that collide. It reads eight bytes at a time and mixes each word into the hash
 * by multiplications and shifts, like the finalizers of 64-bit hash functions. The seed is added with each word, so two topics
 * that collide under one seed are unlikely to collide under another. It is not cryptographic: it protects against a peer that
 * never sees a hash, and must not be used to verify content.
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
