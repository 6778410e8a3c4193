/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"

/*
 * The answers of members to Execute: unpacks Progress and Outcome, and hands them to the lease that the request belongs to.
 *
 * A reply with an error status is a failure of the task, reported by a library that knows nothing of outcomes; its route says
 * which lease is meant, so it needs no token. A reply that can't be unpacked is a failure, too.
 */

/* The size of a text about an answer that is not taken. */
#define BUS_TASK_ANSWER_TEXT 160u

/* STALE_LEASE: @detail names the present holder. BAD_MESSAGE: it says what is wrong with a progress. @flags: of the frame */
WireStatus bus_task_answer_take (BusCore *core,
                                 BusRequest *request,
                                 const WireEnvelope *envelope,
                                 guint8 flags,
                                 char *detail,
                                 gint64 now_us);
