/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * control.bus.introspect: peers, subscriptions, groups and topics, in pages.
 *
 * A page is the next entries in the order of the section (id, id and number, name, topic) after the one that the
 * cursor names, whether or not that one still exists. So a client that reads page after page while others connect and
 * disconnect gets everything that stayed exactly once, and the broker keeps no state for it.
 *
 * Agent and tool see everything; a collector sees itself, its subscriptions, the groups that it is in (with its own
 * entries) and the topics that it may receive.
 *
 * bus-budget bounds what pages may cost. Work for a page: one walk over peers, groups, topics or (groups)
 * subscriptions, of which only as many as the page holds are sorted, and for topics at most BUS_INTROSPECT_WORK_MAX
 * matched subscriptions more than the last topic has.
 *
 * Invariant: a reply is at most max_payload and BUS_PAGE_REPLY_MAX bytes; while there is more, a page has at
 * least one entry and sets `next`.
 */

#define BUS_INTROSPECT_WORK_MAX 16384u

void bus_introspect_answer (const BusCall *call);
