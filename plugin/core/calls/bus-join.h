/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "route/bus-group.h"
#include "control.pb-c.h"

/*
 * Rights and rules of groups: which subscription may join a group, what it may ask for there, and who may change or drain
 * what belongs to a group.
 *
 * The rights to topics are those of every subscription and are checked elsewhere. A group adds these, because its members
 * take messages from each other: a collector joins only groups whose pattern matches no tasks.{type} of another type, agent
 * and tools all; the pattern overlaps that of the first member; and a collector changes policy and bounds of a group only while it is the only member.
 *
 * Invariant: a request that a rule forbids changed nothing; its sender got an ERROR that names the rule.
 */

/* Checks what a subscribe request asks of its group. FALSE: it was refused. @group: (out) (nullable): the group that it would
 * join, NULL: it would be the first member, or asks for no group */
gboolean
bus_join_check (const BusCall *call, const Daemoneye__Eventbus__V1__SubscribeRequest *request, const BusGroup **group);

/* The values in force for a member of that group that asked for these. */
void bus_join_settle (const BusCall *call,
                      const Daemoneye__Eventbus__V1__SubscribeRequest *request,
                      BusSubscription *subscription);

/* Checks the right to change what belongs to all members. FALSE: the asker got an error. */
gboolean bus_join_may_adjust (const BusCall *call, const BusSubscription *subscription);
