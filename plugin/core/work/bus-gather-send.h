/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * Sends to the asker of a question each answer, as a reply of its own, and the manifest behind them.
 *
 * The task of an answer is the only buffer. Answers are encoded in the order in which they came, while less than BUS_PUSH_BYTES
 * wait for the asker; none is merged with another or left out. So an asker that reads nothing costs no memory but the records of
 * its tasks, which count for the budget of tasks, and gets all of it when it reads again. The manifest is the last reply, in the
 * same lane. Its counts are those of the moment in which it is written, its entries have not changed since the question was over.
 */

/* It has an answer to send, or is over. Harmless when it is listed. */
void bus_gather_send_list (BusGather *gather);
/* The call has to end: it was refused. */
void bus_gather_send_done (BusGather *gather);
void bus_gather_send_forget (BusGather *gather);

/* Sends what there is room for. TRUE: the call of a question has to end */
gboolean bus_gather_send (BusCore *core, gint64 now_us);
