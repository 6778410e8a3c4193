/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "introspection.pb-c.h"

/*
 * control.bus.introspect: peers, subscriptions, groups and topics, in pages.
 *
 * A page is the next entries in the order of the section (id, id and number, name, topic) after the one that the cursor
 * names, whether or not that one is still there. So whoever pages on while others come and go gets everything that
 * stayed once, and needs no state in the broker.
 *
 * Agent and tool see all; a collector itself, its subscriptions, the groups that it is in (with its own entries) and the
 * topics that it may receive.
 *
 * How much all collectors together may make the broker work is bounded by introspect_work_per_second, in units that are
 * counted where the work is done, so that many cheap pages and few dear ones cost the same. control.bus.stats and
 * control.bus.adjust, which look at everything that waits, are paid out of it as well. A page that was begun is
 * finished, and told to nobody as a debt: the next second begins at zero. Agent and tool are not held by it.
 *
 * Work for a page: one walk over peers, groups, topics or (groups) subscriptions, of which only as many as the page
 * holds are sorted, and for topics at most BUS_INTROSPECT_WORK_MAX matched subscriptions more than the last topic has.
 *
 * Invariant: a reply is at most max_payload and BUS_INTROSPECT_REPLY_MAX bytes; while there is more, a page has at least
 * one entry and says `next`.
 */

#define BUS_INTROSPECT_REPLY_MAX (256u * 1024u)
#define BUS_INTROSPECT_WORK_MAX  16384u

void bus_introspect_answer (BusPeer *asker,
                            guint64 id,
                            const Daemoneye__Eventbus__V1__BusIntrospectRequest *request,
                            gint64 now_us);

/* Counts one look at the broker; FALSE: above introspect_per_second, or collectors above introspect_work_per_second, and
 * the asker was told. */
gboolean bus_introspect_admit (BusPeer *asker, guint64 id, gint64 now_us);
/* The same for what may be asked as often as one likes: only the work is bounded. */
gboolean bus_introspect_admit_work (BusPeer *asker, guint64 id, gint64 now_us);
/* What an answer cost: units of work until now; the reply that is to be packed comes to it. */
void bus_introspect_spend (BusPeer *asker, guint64 work, const ProtobufCMessage *reply);
