/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The only random generator of the simulator: splitmix64 (Steele, Lea, Flood 2014), so that a seed gives the same run on every
 * machine. No file of tests/sim uses the random functions of GLib, the clock or an address as a source of randomness.
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

/* Returns a number below @n. */
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
