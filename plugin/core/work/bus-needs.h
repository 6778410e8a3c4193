/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-demand.h"
#include "work/bus-member.h"

/*
 * The demands of an operation by one of their requirements, so that a member that has changed is compared only with demands that
 * it may be capable of.
 *
 * A demand is filed under its target; without a target under its first tag; then under its payload type; then under its type,
 * which may be empty. A member visits the lists of its id, of its tags, of the payload type of its ability, and of its type. An
 * ability for all payload types visits all lists of payload types.
 *
 * A list contains the demands whose requirement has the same hash modulo BUS_NEED_LISTS. So a member also visits some demands that
 * require another text; the caller decides about each. The hash has the seed of the core, so no submitter can put its demands
 * into the lists of others.
 *
 * Invariant: each demand is in exactly one list.
 */

typedef enum
{
  BUS_NEED_TARGET,
  BUS_NEED_TAG,
  BUS_NEED_PAYLOAD,
  BUS_NEED_TYPE,
} BusNeedsKind;
#define BUS_N_NEEDS    4u
#define BUS_NEED_LISTS 32u /* of each kind; bits of a guint32 */

typedef struct
{
  guint64 seed;
  GList *lists[BUS_N_NEEDS][BUS_NEED_LISTS]; /* BusDemand, by their need_link */
} BusNeeds;

void bus_needs_add (BusNeeds *needs, BusDemand *demand);
void bus_needs_remove (BusNeeds *needs, BusDemand *demand);

/* Calls @visit for each demand that @member may be capable of with @ability. It must not add or remove demands. */
typedef void (*BusNeedsVisit) (BusDemand *demand, gpointer data);
void bus_needs_visit (const BusNeeds *needs,
                      const BusMember *member,
                      const BusAbility *ability,
                      BusNeedsVisit visit,
                      gpointer data);
