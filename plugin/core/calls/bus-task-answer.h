/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-request.h"

/*
 * The answers of collectors to Execute: unpacks Progress and Outcome, and passes them to the lease to which the request belongs.
 *
 * A reply with an error status is a failure of the task. A library that does not know tasks sends it, without a token; the route
 * id of the reply identifies the lease. A final reply that can't be unpacked is a failure, too.
 */

/* The size of a text about an answer that is refused. */
#define BUS_TASK_ANSWER_TEXT 160u

/* Takes an answer. Returns OK, or the status of its refusal with the text in @detail: STALE_LEASE (with the present holder of the
 * task) or BAD_MESSAGE (a progress that is not valid). @flags: of the frame */
WireStatus bus_task_answer_take (BusCore *core,
                                 BusRequest *request,
                                 const WireEnvelope *envelope,
                                 guint8 flags,
                                 char *detail,
                                 gint64 now_us);
