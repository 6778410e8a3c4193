/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The method control.bus.introspect: lists peers, subscriptions, groups, topics and retained messages, in pages.
 *
 * Each section has an order (by id; by id and number; by name; by topic). A page contains the next entries in that order behind
 * the entry that the cursor names, whether or not that entry still exists. So a client that reads page after page while peers
 * connect and disconnect gets every entry that exists all the time exactly once, and the broker keeps no state between two pages.
 *
 * The agent and tools see everything. A collector sees itself, its subscriptions, the groups in which it is a member (with its own
 * entries), and the topics and values that it may receive.
 *
 * bus-budget bounds the cost of pages. The work for a page is one walk over the peers, groups, topics or values (for groups also
 * over the subscriptions), of which only as many as the page holds are sorted. A page of topics ends when more than
 * BUS_INTROSPECT_WORK_MAX subscriptions were matched.
 *
 * Invariant: a reply has at most max_payload and at most BUS_PAGE_REPLY_MAX bytes; as long as entries follow, a page has at
 * least one entry and sets `next`.
 */

#define BUS_INTROSPECT_WORK_MAX 16384u

void bus_introspect_answer (const BusCall *call);
