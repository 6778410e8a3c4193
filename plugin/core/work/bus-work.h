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
 * Only the module that owns a field writes it. Lower modules leave what has happened in lists; the leases, which
 * stand above them, take it out at the end of the input call.
 */
typedef struct BusWork
{
  guint64 seed; /* of the core: for keys */

  /* bus-registry */
  GHashTable *members;    /* BusKey of the id -> BusMember, all states but GONE */
  GHashTable *capable;    /* BusKey of the operation -> its members; see bus_registry_members_of() */
  GQueue members_changed; /* BusMember, by their link: abilities, state or room are different */
  GQueue members_ended;   /* BusMember in the state GONE, by their link: nobody else has them */
  guint64 last_registration;
  BusPasts pasts;
  GQueue barriers;        /* bus-barrier: calls that wait until members are READY */
  gboolean members_moved; /* the state of a member has changed: barriers are to be checked */
  guint64 records_lost;   /* records of members that the retained messages had no room for */
  guint64 ignored;        /* events that the state of a member ignores */
  guint64 members_reached[BUS_MEMBER_N_STATES][BUS_MEMBER_N_EVENTS]; /* cells of the table of their states */

  struct BusStandings *standings;

  BusGrace grace; /* of rounds of health, offers and leases */

  /* bus-health-watch */
  guint64 health_lost; /* records that the retained messages had no room for */
  guint64 health_reached[BUS_HEALTH_N_STATES][BUS_HEALTH_N_EVENTS]; /* cells of the table of states */

  /* bus-adoption */
  BusAwaited awaited;
  BusTimer recovery_timer;  /* the end of the recovery window; armed when claims wait for it */
  guint64 claims_adopted;   /* tasks that their holders have got back */
  guint64 claims_unmatched; /* claims of which the broker knows nothing */

  /* bus-schedule */
  BusTaskStore tasks;
  struct BusOperations *operations;
  BusTokenSource tokens;
  BusTokenSource chance; /* random numbers for backoffs */
  BusGathers gathers;
  GQueue pushing; /* bus-push: submitters with something to push, and a request */
} BusWork;

BusWork *bus_work_new (guint64 seed);
/* No member may be left (asserts). */
void bus_work_free (BusWork *work);
