/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * The bound of the work that calls of collectors may cause in a second.
 *
 * introspect_per_second bounds the pages that one peer may request. introspect_work_per_second bounds the work for all collectors
 * together, in units that are counted where the work is done, so that many cheap pages and few expensive ones cost the same.
 * control.bus.stats (its pages count as pages) and control.bus.adjust, which visit all waiting messages, are charged to it as
 * well. An answer that has begun is finished; the excess is not charged to the next second, which begins at zero. Agent and tools
 * are not bounded by it.
 */

/* Units of work, each about 10 ns; see bus_budget_spend(). Other work is one unit. */
#define BUS_WORK_ENTRY    40u /* written, measured, packed */
#define BUS_WORK_MATCH    40u /* a topic looked up in the index, besides what it finds */
#define BUS_WORK_QUESTION 8u  /* to the policy */
#define BUS_WORK_MEMBER   8u
#define BUS_WORK_SORTED   12u  /* an entry of a list that was sorted for it */
#define BUS_WORK_MESSAGE  8u   /* that waits, examined */
#define BUS_WORK_ANSWER   200u /* whatever it says */
#define BUS_WORK_BYTES    256u /* of an answer */

typedef struct BusBudget
{
  gint64 second; /* of the input clock */
  guint64 work;  /* in it */
} BusBudget;

BusBudget *bus_budget_new (void);
void bus_budget_free (BusBudget *budget);

/* Counts one page. FALSE: above introspect_per_second, or collectors are above introspect_work_per_second; the
 * asker got an ERROR. */
gboolean bus_budget_admit (BusPeer *asker, guint64 id, gint64 now_us);

/* The same for calls whose number is not bounded: only the work is. */
gboolean bus_budget_admit_work (BusPeer *asker, guint64 id, gint64 now_us);

/* Charges an answer: @work units until now, and the cost of packing @reply. */
void bus_budget_spend (BusPeer *asker, guint64 work, const ProtobufCMessage *reply);
