/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-limits.h"
#include "base/bus-timer.h"
#include "route/bus-request.h"
#include "work/bus-member.h"
#include "coordination.pb-c.h"

/*
 * Standing tasks: the work that a collector has to do until further notice, as one desired set with a revision.
 *
 * The agent defines the set of a collector, whether or not the collector is registered, and renews it within its time to live. The
 * broker sends it to the collector by the request Apply, once in each registration and after each change, as soon as the collector
 * serves its standing topic. The collector answers with the revision that it has applied. While the applied revision is not the
 * desired one, the collector is configuring. A set that is not renewed is replaced by an empty one, which is sent as well. The
 * empty set is forgotten when the collector has applied it, or after another time to live. The sets do not outlive the broker: the
 * agent sets them again.
 *
 * Invariant: a set is charged to the account of the agent, but does not count for uid_bytes; all sets together have a bound of
 * their own.
 */

typedef struct BusStanding
{
  BusKey key; /* the id of the collector */
  char *collector;
  BusAccount *account;
  guint8 *set; /* a packed StandingSet, as the collector gets it */
  gsize len;
  guint64 hash; /* hash of its tasks */
  guint64 revision;
  gint64 ttl_us;
  BusTimer timer;
  gboolean is_over; /* it was not renewed in time: it is empty */

  guint64 observed;    /* revision that the collector has applied, in this registration; 0: none */
  guint64 sent_to;     /* registration that it was sent to; 0: none */
  BusRequest *request; /* the pending Apply; NULL: none */
  char problem[160];   /* the reason for which the collector has not applied it; "": none */
} BusStanding;

/* The sets of all collectors. */
typedef struct BusStandings
{
  GHashTable *by_collector;
  guint64 bytes;
} BusStandings;

BusStandings *bus_standings_new (void);
/* Frees the sets of the core. */
void bus_standings_free (BusCore *core);

typedef enum
{
  BUS_STANDING_SET, /* set, or renewed */
  BUS_STANDING_OLD, /* the revision is not above that of another set */
  BUS_STANDING_FULL,
  BUS_STANDING_NO_MEMORY,
} BusStandingResult;

/* Sets or renews a set. @set: checked. @excess: (out): with FULL, the limit */
BusStandingResult bus_standing_set (BusCore *core,
                                    BusAccount *account,
                                    const Daemoneye__Eventbus__V1__StandingSet *set,
                                    BusExcess *excess,
                                    gint64 now_us);

/* Returns the set of that collector; NULL: none. */
BusStanding *bus_standing_find (const BusCore *core, WireSpan collector);
void bus_standing_fill (const BusStanding *standing, Daemoneye__Eventbus__V1__StandingState *state, gint64 now_us);

/* The member has registered, or serves other topics than before: sends its set, unless this registration was sent it. */
void bus_standing_offer (BusCore *core, BusMember *member, gint64 now_us);

/* Handles the answer to Apply. @state: (nullable): NULL: Apply failed, because of @problem. FALSE: the responder may not answer
 * now */
gboolean bus_standing_answered (BusCore *core,
                                BusStanding *standing,
                                const Daemoneye__Eventbus__V1__StandingState *state,
                                const char *problem);
/* Handles an Apply that ended without an answer. */
void bus_standing_ended (BusCore *core, BusStanding *standing);

/* The timer has expired: the set was not renewed. */
void bus_standing_due (BusCore *core, BusStanding *standing, gint64 now_us);
