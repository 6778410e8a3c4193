/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-account.h"
#include "work/bus-roster-profile.h"
#include "work/bus-work.h"

/*
 * The roster: the collectors whose answers a question to many collectors expects.
 *
 * It contains, each once: the registered collectors that are capable of the question; the ids that left without announcement
 * within the last 10 minutes and were capable of it (bus-past); and the ids that the last Barrier of any connected account
 * expects. An id of a Barrier whose abilities the broker does not know is in the roster of every question, because it may be
 * capable.
 *
 * A collector that is registered and not capable is left out, even if a Barrier names it, with one exception: if the question
 * names a type, and a Barrier names a collector of this type, the collector should have the operation, so it is in the roster
 * and marked as unfit. For a question without a type this rule would be wrong: a question about sockets would report all
 * collectors of processes as missing.
 *
 * The expected ids of an account are replaced by its next Barrier, and forgotten when its last connection ends. They are at
 * most BUS_ROSTER_EXPECTED_MAX for each account.
 *
 * This module only computes the list. It does not follow later changes of the members; bus-gather does.
 *
 * Invariant: each id is in the roster at most once.
 */

#define BUS_ROSTER_EXPECTED_MAX 64u

/* Reasons why a collector was not asked. The numbers are those of NeverAsked on the wire. */
typedef enum
{
  BUS_NEVER_NONE,
  BUS_NEVER_NOT_REGISTERED,
  BUS_NEVER_DRAINING,
  BUS_NEVER_NO_CAPABILITY,
  BUS_NEVER_AT_CAPACITY,
  BUS_NEVER_SET_ASIDE,
  BUS_NEVER_SUSPECT,
  BUS_NEVER_PAUSED,
  BUS_NEVER_VERSION,
  BUS_NEVER_DENIED,
} BusNeverAsked;
#define BUS_N_NEVER_ASKED 10u

/* One collector of the roster. */
typedef struct
{
  char *id; /* GRefString */
  guint64 incarnation;
  BusNeverAsked unfit; /* it is connected, but cannot be asked; NONE: it can, or it is not connected */
} BusRosterRow;

/* Sets the ids that the account expects; an empty list: none. (transfer full) (element-type utf8) */
void bus_roster_expect (BusAccount *account, GPtrArray *ids);

/* Computes the roster, in the order of ids. (element-type BusRosterRow) (transfer full) */
GArray *bus_roster_new (BusCore *core, const BusRosterQuestion *question, gint64 now_us);

/* Writes a sentence about an id that is not registered. */
void bus_roster_describe_absent (const BusCore *core, const char *id, char *text, gsize size, gint64 now_us);
