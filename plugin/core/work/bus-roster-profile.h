/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"

/*
 * A profile: what a collector could do when its registration ended, for questions to many (bus-roster).
 *
 * The names are kept as hashes with the seed of the core, so a profile has at most 1.2 KiB. A collector with more than
 * BUS_PROFILE_ABILITIES operations has a profile that fits every operation: a collector that is expected in vain is reported, one
 * that is not expected would be missed in silence.
 */

#define BUS_PROFILE_ABILITIES 64u
#define BUS_PROFILE_TAGS      16u

/* The part of a question that selects collectors. Borrowed. */
typedef struct
{
  BusKey operation;
  WireSpan type; /* of the collector; empty: any */
  WireSpan payload_type;
  const GPtrArray *tags; /* (nullable) (element-type utf8) */
  guint priority;
} BusRosterQuestion;

typedef struct BusProfile BusProfile;

/* Freed with g_free(). */
BusProfile *bus_profile_new (guint64 seed, const BusMember *member);
gboolean bus_profile_fits (const BusProfile *profile, guint64 seed, const BusRosterQuestion *question);

/* The same for one that is registered. */
gboolean bus_roster_fits (const BusMember *member, const BusRosterQuestion *question);
