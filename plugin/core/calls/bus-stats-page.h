/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "control.pb-c.h"

/*
 * The answer of control.bus.stats in pages. (In one reply, bus-stats leaves rows out when they do not fit.)
 *
 * The rows of all sections form one sequence: peers by id, subscriptions by peer and number, groups by name and number, domains. A
 * page is a part of this sequence, and its cursor names the section and the last row.
 *
 * Invariant: a row that exists during the whole listing is on exactly one page; only a row that is too large for any page is left
 * out, and its page is marked as truncated.
 */

/* TRUE if the request wants pages: it sets `limit` or `after`. */
gboolean bus_stats_page_is_asked_for (const Daemoneye__Eventbus__V1__StatsRequest *request);

/* Sends the page that follows the cursor of the request, or refuses the request. @totals: sent with the first page */
void bus_stats_page_send (const BusCall *call, Daemoneye__Eventbus__V1__BusTotals *totals);
