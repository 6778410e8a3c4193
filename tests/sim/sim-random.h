/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The simulator's only source of chance: splitmix64 (Steele, Lea, Flood 2014), so that a seed gives the same run on every
 * machine. Nothing in tests/sim asks GLib, the clock or an address for randomness.
 */

typedef struct
{
  guint64 state;
} SimRandom;

static inline guint64
sim_random (SimRandom *random)
{
  guint64 z = random->state += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* Below @n. */
static inline guint
sim_below (SimRandom *random, guint n)
{
  return (guint) (sim_random (random) % n);
}

/* True in @percent of the cases. */
static inline gboolean
sim_chance (SimRandom *random, guint percent)
{
  return sim_below (random, 100) < percent;
}
