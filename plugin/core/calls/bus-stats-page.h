/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"
#include "control.pb-c.h"

/*
 * The answer of control.bus.stats in pages, for askers that must not lose a row because of the size of the others.
 *
 * The rows of all sections form one sequence: peers by id, subscriptions by (peer, number), groups by name, domains. A page
 * is a part of it, and its cursor names the section and the last row. Invariant: a row that exists during the whole listing
 * is on exactly one page. A row that no page could hold is left out, and the page is marked as truncated.
 */

gboolean bus_stats_page_is_asked_for (const Daemoneye__Eventbus__V1__StatsRequest *request);

/* Sends the page that follows the cursor of the request, or refuses the request. @totals: for the first page. */
void bus_stats_page_send (const BusCall *call, Daemoneye__Eventbus__V1__BusTotals *totals);
