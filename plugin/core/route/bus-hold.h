/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-group.h"
#include "route/bus-router.h"

/*
 * Holding: keeps messages for groups without a member that takes part, until one joins.
 *
 * The publisher asks for it (bit 2 of `delivery`), and sets a time to live. Such a message is held if no group matches its topic;
 * then the first group that a matching member joins gets it. It is also held if every member of a matching group drains or is
 * being closed; then that group gets it. When the last member of a group ends, its unsent messages that asked for it are held as
 * well. Plain subscriptions get the message at once, whether or not it is held.
 *
 * A held message is given to a member that has room for it. While the members of its group, their accounts or the broker are full,
 * a timer tries again. The right of its publisher is checked again before each try. The message outlives the connection of its
 * publisher. At the end of its time to live it is lost: the loss is counted and reported by system.drop (news/bus-unheld), and a
 * publisher that waits for a confirmation gets NO_RESPONDERS.
 *
 * A held message is charged to the account of its publisher, or of the member that left it behind. held_messages and held_bytes
 * bound the held messages of an account; a message without room is refused.
 *
 * Invariant: a held message has a time to live, and its timer is armed.
 */

typedef struct
{
  BusTimer timer;
  BusAccount *account; /* held */
  BusMessage *message; /* own reference */
  BusDelivery delivery;
  BusGroupKey group; /* that gets it; its bytes are behind the struct; without text: the first group that matches */
  BusPrincipal who;  /* its publisher; its bytes are behind the struct; without id: not known */
  gsize cost;
  GList link;
} BusHeld;

/* Losses that were not reported yet. */
typedef struct
{
  guint64 count;
  guint64 from; /* the smallest and the largest accept sequence */
  guint64 to;
  char topic[513]; /* of the last lost message; no topic is longer */
  gint64 next_us;  /* the earliest time of the next report */
  BusTimer timer;
} BusHoldReport;

typedef struct BusHolds
{
  GQueue messages; /* BusHeld, in the order in which they were held */
  guint64 given;   /* to members */
  guint64 expired;
  guint64 denied;
  BusTimer retry; /* armed while a message waits for members that are full */
  BusHoldReport report;
} BusHolds;

/* A message to hold. @who: (nullable): its publisher, if known. @group: (nullable): the only group that may get it */
typedef struct
{
  BusMessage *message;
  const BusDelivery *delivery;
  BusAccount *account;
  const BusPrincipal *who;
  const BusGroup *group;
} BusHoldSpec;

/* TRUE if @n messages of @len client bytes may be held for that account. FALSE: @excess is set to the exceeded bound. */
gboolean bus_hold_has_room (BusCore *core, const BusAccount *account, guint n, gsize len, BusExcess *excess);

/* Holds a message; the caller has checked bus_hold_has_room(). */
void bus_hold_add (BusCore *core, const BusHoldSpec *spec);

/* Holds a message that a member of @group left behind, if its publisher asked for it. FALSE: the publisher did not, or there is no
 * room. @parcel keeps its reference. */
gboolean bus_hold_leave (BusCore *core, const BusParcel *parcel, const BusGroup *group, BusAccount *account);

/* A member joined its group, or takes part again: offers it the held messages whose topics its pattern matches. */
void bus_hold_offer (BusCore *core, const BusSubscription *member, gint64 now_us);

/* The timers of BusHolds and BusHeld. */
void bus_hold_retry (BusCore *core, gint64 now_us);
void bus_hold_expire (BusCore *core, BusHeld *held, gint64 now_us);

/* The number of held messages. */
guint bus_hold_count (const BusCore *core);

/* The broker ends: frees all held messages. */
void bus_hold_clear (BusCore *core);
