/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * The budget: bounds the work that expensive calls (introspection, statistics, lists) may cause in a second.
 *
 * Two settings bound it. introspect_per_second is the number of pages that one peer may request. introspect_work_per_second bounds
 * the work for all collectors together. Work is counted in units at the place where it is done, so that many cheap pages and a few
 * expensive ones cost the same. Calls without pages that visit many entries or waiting messages, such as control.bus.adjust, are
 * charged as work only. The work for the agent and tools is neither bounded nor counted.
 *
 * A call is refused when the work of the second has reached the bound. An answer that has begun is finished, and its excess is not
 * charged to the next second, which begins at zero.
 *
 * Invariant: in a second, collectors exceed introspect_work_per_second by the work of one answer at most.
 */

/* Units of work, each about 10 ns; see bus_budget_spend(). A step that is not listed is one unit. */
#define BUS_WORK_ENTRY    40u  /* an entry of an answer: written, measured, packed */
#define BUS_WORK_MATCH    40u  /* a topic looked up in the index, without the entries that are found */
#define BUS_WORK_QUESTION 8u   /* a decision of the policy */
#define BUS_WORK_MEMBER   8u   /* a subscription or a peer, visited */
#define BUS_WORK_SORTED   12u  /* an entry of a list that is sorted for the call */
#define BUS_WORK_MESSAGE  8u   /* a waiting message, examined */
#define BUS_WORK_ANSWER   200u /* an answer of any size */
#define BUS_WORK_BYTES    256u /* so many bytes of an answer are one unit */

typedef struct BusBudget
{
  gint64 second; /* of the input clock */
  guint64 work;  /* in that second */
} BusBudget;

BusBudget *bus_budget_new (void);
void bus_budget_free (BusBudget *budget);

/* Counts one page. FALSE: the asker is above introspect_per_second, or collectors together are above introspect_work_per_second;
 * the asker got an ERROR. */
gboolean bus_budget_admit (BusPeer *asker, guint64 id, gint64 now_us);

/* The same for calls whose number is not bounded, only their work. */
gboolean bus_budget_admit_work (BusPeer *asker, guint64 id, gint64 now_us);

/* Charges an answer: @work units, and the cost of packing @reply. */
void bus_budget_spend (BusPeer *asker, guint64 work, const ProtobufCMessage *reply);
