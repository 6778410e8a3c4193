/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * The model of reported losses: a client reports how many messages of a topic it accepted from its program and could not send
 * (control.bus.lost).
 *
 * Each plain subscription that would have received them, and one member of each group that takes part, gets the number in a gap
 * with the reason UNKNOWN: once, at the place of the report. Filters are not evaluated. Topics that the client may not publish
 * to are counted in the answer, and cause no gap. A gap may cover several reports; then it has the sum of them.
 */

typedef struct SimLosts SimLosts;

SimLosts *sim_losts_new (void);
void sim_losts_free (SimLosts *losts);

/* Operation: reports losses. */
void sim_lost_run (SimWorld *world, SimClient *client);

/* The call has reached the broker as @seq. @is_unsure: its client was disconnected at the same time */
void
sim_lost_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, guint64 seq, gboolean is_unsure);

/* The client received a REPLY to any call. */
void sim_lost_answered (const SimClient *client, const WireEnvelope *envelope);
/* The client received a gap. FALSE: it has another reason, and nothing was done. */
gboolean sim_lost_gap (SimClient *client, const WireEnvelope *envelope);

/* The number of lost messages that a subscription got in gaps so far, and the number in all reports. */
guint64 sim_lost_received (const SimWorld *world, guint connection, guint32 subscription);
guint64 sim_lost_reported (const SimWorld *world, guint connection, guint32 subscription);

/* At rest: checks that each report has arrived. */
void sim_lost_finish (SimWorld *world);
