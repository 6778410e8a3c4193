/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-confirm.h"
#include "route/bus-router.h"

/*
 * Assured publishing: messages for groups that are delivered at least once, or whose publisher waits until they were
 * handled.
 *
 * At least once: the broker keeps the message for one member of each matching group until that member has settled it
 * (queue/bus-unsettled). If the member does not settle it, another member gets it again (bus-reroute). If one of these members has
 * no room to keep the message, the message is refused as a whole: no subscription gets it, and the publisher may send it again.
 * Plain subscriptions get the message at most once, as always, because no other subscription could take it over from them.
 *
 * If the publisher asks for it, a message for a group without members is held (bus-hold), and counts as matched and queued.
 *
 * Each member gets a frame of its own, beside the frame that names the plain subscriptions of its peer, because the member
 * confirms it separately.
 *
 * Invariant: a message that is not refused is kept for one member of every matching group, or held, or its loss is in a gap.
 */

typedef struct
{
  gboolean at_least_once;
  gboolean may_hold;   /* hold it for a group without members; the message has a time to live */
  BusPeer *publisher;  /* with may_hold */
  BusConfirm *confirm; /* (nullable): gets a route for each group */
} BusAssurance;

/* The reason for which a message was refused. */
typedef struct
{
  WireStatus status; /* OK: not refused */
  BusExcess excess;  /* with LIMIT: the bound */
} BusRefusal;

BusOutcome bus_assured_publish (BusCore *core,
                                BusInbound *inbound,
                                BusMatch *match,
                                const BusAssurance *assurance,
                                BusRefusal *refusal,
                                gint64 now_us);
