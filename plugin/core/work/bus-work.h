/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-member.h"

/*
 * The state of the layer work: members, operations, tasks.
 *
 * What a module keeps here is written by that module only. Lower modules leave what has happened in lists; the leases, which
 * stand above them, take it out at the end of the input call.
 */
typedef struct BusWork
{
  /* bus-registry */
  GHashTable *members;    /* BusKey of the id -> BusMember, all states but GONE */
  GHashTable *capable;    /* BusKey of the operation -> its members; see bus_registry_members_of() */
  GQueue members_changed; /* BusMember, by their link: abilities, state or room are different */
  GQueue members_ended;   /* BusMember in the state GONE, by their link: nobody else has them */
  guint64 last_registration;
} BusWork;
