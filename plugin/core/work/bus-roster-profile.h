/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"

/*
 * A profile: the abilities that a collector had when its registration ended, for questions to many collectors (bus-roster).
 *
 * The names are kept as hashes with the seed of the core, so a profile has at most 1.2 KiB. The profile of a collector with
 * more than BUS_PROFILE_ABILITIES operations matches every operation: a collector that is expected by mistake is reported, but
 * one that is not expected would be missing without a report.
 */

#define BUS_PROFILE_ABILITIES 64u
#define BUS_PROFILE_TAGS      16u

/* The part of a question that selects collectors. Borrowed. */
typedef struct
{
  BusKey operation;
  WireSpan type; /* type of the collector; empty: any */
  WireSpan payload_type;
  const GPtrArray *tags; /* (nullable) (element-type utf8) */
  guint priority;
} BusRosterQuestion;

typedef struct BusProfile BusProfile;

/* Makes the profile of @member. Free it with g_free(). */
BusProfile *bus_profile_new (guint64 seed, const BusMember *member);
/* TRUE if a collector with this profile was capable of the question. */
gboolean bus_profile_fits (const BusProfile *profile, guint64 seed, const BusRosterQuestion *question);

/* The same for a collector that is registered. */
gboolean bus_roster_fits (const BusMember *member, const BusRosterQuestion *question);
