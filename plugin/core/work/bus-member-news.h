/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-work.h"

#include "coordination.pb-c.h"

/*
 * Publishes the state of registered collectors: an event for each change of the state,
 * system.collector.{registered,suspect,set-aside,draining,gone}, and the record of each collector as the retained message
 * system.collector.{id}. So a subscriber that comes later knows all collectors, and follows the changes without a call.
 *
 * The record is published again when the registration or its state changes, not for each task. Its bytes are charged like a
 * retained message of the account of the collector. The last record of a collector has the state GONE and is not retained. A
 * collector that becomes READY again has no event of its own, only a record.
 *
 * Invariant: a retained message system.collector.{id} has the present state of the collector.
 */

/* Fills @record, which borrows the texts of the member. Its lists of pointers are in @block, to be freed with g_free(). FALSE:
 * no memory for the list of operations, which @record then lacks. */
gboolean bus_member_fill_record (const BusCore *core,
                                 const BusMember *member,
                                 Daemoneye__Eventbus__V1__CollectorRecord *record,
                                 gpointer *block);

/* The member registered, or registered again. */
void bus_member_news_registered (BusCore *core, const BusMember *member);
/* The state of the member has changed. */
void bus_member_news_state (BusCore *core, const BusMember *member, BusMemberState before);
/* Another field of the record has changed. */
void bus_member_news_record (BusCore *core, const BusMember *member);
/* Sends the lifecycle event FENCE with those of the claims that are fenced, if there are any. The member gets it, like DRAIN,
 * only if it subscribes to control.collector.lifecycle. */
void bus_member_news_fence (BusCore *core, const BusMember *member, const BusClaim *claims, guint n_claims);

/* Sends the lifecycle event DRAIN. FALSE: the member does not subscribe to control.collector.lifecycle. */
gboolean bus_member_news_drain (BusCore *core, const BusMember *member);
