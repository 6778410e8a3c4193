/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "route/bus-group.h"
#include "control.pb-c.h"

/*
 * Rights and rules of groups: the conditions under which a subscription may join a group, the values that it may request there,
 * and the right to change settings that all members share.
 *
 * The rights to topics apply to every subscription and are checked elsewhere. Groups need more rules, because their members take
 * messages from each other. A collector joins a group only with a pattern that matches no tasks.{type} of another type; the agent
 * and tools join any group. The pattern has to overlap that of the first member. A collector changes policy and bounds of a group
 * only while it is the only member.
 *
 * Invariant: a request that a rule forbids changes nothing, and its sender gets an ERROR that names the rule.
 */

/* Checks the group of a subscribe request, and the values for it. FALSE: refused and answered. @group: (out) (nullable): the group
 * to join; NULL: it does not exist yet, or the request names none */
gboolean
bus_join_check (const BusCall *call, const Daemoneye__Eventbus__V1__SubscribeRequest *request, const BusGroup **group);

/* Sets weight, in-flight bound and window of a new subscription: those of the configuration, or those of the request. */
void bus_join_settle (const BusCall *call,
                      const Daemoneye__Eventbus__V1__SubscribeRequest *request,
                      BusSubscription *subscription);

/* Checks the right to change policy and bounds, which belong to all members. FALSE: the asker got an ERROR. */
gboolean bus_join_may_adjust (const BusCall *call, const BusSubscription *subscription);
