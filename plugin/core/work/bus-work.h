/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health-state.h"
#include "work/bus-awaited.h"
#include "work/bus-gathers.h"
#include "work/bus-grace.h"
#include "work/bus-member.h"
#include "work/bus-past.h"
#include "work/bus-task-store.h"

/*
 * The state of the layer work: members, operations, tasks.
 *
 * Only the module that owns a field writes it. The modules that bus-lease includes do not call the modules above it: they put
 * members that have changed or ended into lists, and bus-schedule takes these members out at the end of the input call.
 */
typedef struct BusWork
{
  guint64 seed; /* seed of the core: for keys */

  /* bus-registry */
  GHashTable *members;    /* BusKey of the id -> BusMember, all states but GONE */
  GHashTable *capable;    /* BusKey of the operation -> its members; see bus_registry_members_of() */
  GQueue members_changed; /* BusMember, by their link: abilities, state or room have changed */
  GQueue members_ended;   /* BusMember in the state GONE, by their link: no other list has them */
  guint64 last_registration;
  BusPasts pasts;
  GQueue barriers;                /* bus-barrier: calls that wait until members are READY */
  gboolean member_states_changed; /* the state of a member has changed: barriers have to be checked */
  guint64 records_lost;           /* records of members for which the retained messages had no room */
  guint64 ignored;                /* events that the state of a member ignored */
  guint64 members_reached[BUS_MEMBER_N_STATES][BUS_MEMBER_N_EVENTS]; /* counts of the cells of the table of states */

  struct BusStandings *standings;

  BusGrace grace; /* for rounds of health, offers and leases */

  /* bus-health-watch */
  guint64 health_lost; /* records for which the retained messages had no room */
  guint64 health_reached[BUS_HEALTH_N_STATES][BUS_HEALTH_N_EVENTS]; /* counters of the cells of the table of states */

  /* bus-adoption */
  BusAwaited awaited;
  BusTimer recovery_timer;  /* the end of the recovery window; armed when claims wait for it */
  guint64 claims_adopted;   /* tasks that their holders got back */
  guint64 claims_unmatched; /* claims without a lease of this broker, and without a task that waits for them */

  /* bus-schedule */
  BusTaskStore tasks;
  struct BusOperations *operations;
  BusTokenSource tokens;
  BusTokenSource chance; /* random numbers for backoffs */
  BusGathers gathers;
  GQueue pushing; /* bus-push: submitters with a changed task and a pending Await */
} BusWork;

BusWork *bus_work_new (guint64 seed);
/* Asserts that no member is left. */
void bus_work_free (BusWork *work);
