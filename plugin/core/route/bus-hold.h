/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-group.h"
#include "route/bus-router.h"

/*
 * Holding: messages for groups that have no member which takes them, kept until one comes.
 *
 * The publisher asks for it (bit 2 of `delivery`), with a time to live. Such a message is held when no group matches its topic
 * (the first group that a matching member joins gets it), or when every member of a matching group drains or has gone (that
 * group gets it). A member that ends as the last one of its group leaves here what asked for it, too. Plain subscriptions get
 * the message at once and are not concerned.
 *
 * A message is given to a member that takes it without a loss; while the members of its group, their accounts or the broker are
 * full, a timer tries again.
 * The right of its publisher is checked again before that. At the end of its time to live it is lost: that is counted,
 * reported by system.drop (news/bus-unheld), and its publisher gets NO_RESPONDERS if it waits for a confirmation. It outlives
 * the connection of its publisher.
 *
 * Messages are charged to the account of their publisher, those that a member left behind to the account of the member.
 * held_messages and held_bytes bound those of an account; a message without room is refused.
 *
 * Invariant: what is held has a time to live, and its timer is armed.
 */

typedef struct
{
  BusTimer timer;
  BusAccount *account; /* held */
  BusMessage *message; /* own reference */
  BusDelivery delivery;
  BusGroupKey group; /* its bytes are behind the struct; without text: the first group that matches */
  BusPrincipal who;  /* the same; without id: not known */
  gsize cost;
  GList link;
} BusHeld;

/* Losses that are to be published. */
typedef struct
{
  guint64 count;
  guint64 from; /* accept sequence */
  guint64 to;
  char topic[513]; /* of the last one; no topic is longer */
  gint64 next_us;  /* not before this time */
  BusTimer timer;
} BusHoldReport;

typedef struct BusHolds
{
  GQueue messages; /* BusHeld, in the order in which they were held */
  guint64 given;   /* to members */
  guint64 expired;
  guint64 denied;
  BusTimer retry; /* members of a group are full */
  BusHoldReport report;
} BusHolds;

/* A message that is to be held. @who: (nullable): its publisher, if it is known. @group: (nullable): for this group only */
typedef struct
{
  BusMessage *message;
  const BusDelivery *delivery;
  BusAccount *account;
  const BusPrincipal *who;
  const BusGroup *group;
} BusHoldWish;

/* TRUE if @n messages of @len client bytes may be held for that account. FALSE: @excess is the bound. */
gboolean bus_hold_has_room (BusCore *core, const BusAccount *account, guint n, gsize len, BusExcess *excess);

/* Holds a message that has room. */
void bus_hold_add (BusCore *core, const BusHoldWish *wish);

/* Holds a message that a member of @group left behind, if its publisher asked for that. FALSE: it did not, or there is no
 * room. @parcel keeps its reference. */
gboolean bus_hold_leave (BusCore *core, const BusParcel *parcel, const BusGroup *group, BusAccount *account);

/* A member joined its group, or takes part again. Only topics that its pattern matches are looked up. */
void bus_hold_offer (BusCore *core, const BusSubscription *member, gint64 now_us);

/* The timers of BusHolds and BusHeld. */
void bus_hold_retry (BusCore *core, gint64 now_us);
void bus_hold_expire (BusCore *core, BusHeld *held, gint64 now_us);

/* Messages that are held now. */
guint bus_hold_count (const BusCore *core);

/* The broker ends: what is held is given up. */
void bus_hold_clear (BusCore *core);
