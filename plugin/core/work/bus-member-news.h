/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-work.h"

#include "coordination.pb-c.h"

/*
 * The news of the broker about registered collectors: an event for each change of a state,
 * system.collector.{registered,suspect,set-aside,draining,gone}, and the record of each one as the retained message
 * system.collector.{id}. So a reader that comes later knows all of them, and follows the changes without a call.
 *
 * The record is published again when the registration or its state changes, not for each task. Its bytes count as a retained
 * message of the account of its collector. The last record of a collector has the state GONE and is not retained. A collector
 * that becomes READY again has no event of its own, only a record.
 */

/* Fills @record with borrowed texts; the lists of pointers are in @block, to be freed with g_free(). FALSE: no memory for the list of
 * operations, which @record does not have then. */
gboolean bus_member_fill_record (const BusCore *core,
                                 const BusMember *member,
                                 Daemoneye__Eventbus__V1__CollectorRecord *record,
                                 gpointer *block);

/* It registered, or registered again. */
void bus_member_news_registered (BusCore *core, const BusMember *member);
/* Its state is another one. */
void bus_member_news_state (BusCore *core, const BusMember *member, BusMemberState before);
/* Something else in its record is. */
void bus_member_news_record (BusCore *core, const BusMember *member);
/* It is asked to drain. FALSE: it does not subscribe to control.collector.lifecycle. */
/* Sends it the lifecycle event FENCE with its claims that are fenced, if there are any. It needs a subscription for that, as for
 * DRAIN. */
void bus_member_news_fence (BusCore *core, const BusMember *member);

gboolean bus_member_news_drain (BusCore *core, const BusMember *member);
