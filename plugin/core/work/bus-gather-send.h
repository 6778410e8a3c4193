/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * Sends the answers to the asker of a question to many collectors, each as a reply of its own, and then the manifest.
 *
 * The task of an answer is its only buffer. Answers are encoded in the order of their arrival, while less than BUS_PUSH_BYTES
 * wait for the asker; they are never merged or left out. So an asker that does not read costs no memory but the records of its
 * tasks, which count for the budget of tasks, and it gets every answer when it reads again. Only if it reads nothing for
 * task_window_us while all tasks are above their bound, the question fails. The manifest is the last reply and uses the same lane.
 * Its counts are those of the time at which it is encoded; its entries do not change after the question is over.
 *
 * Invariant: each answer is sent once, and the manifest follows the last one.
 */

/* The question has an answer to send, or is over. Does nothing if it is listed already. */
void bus_gather_send_list (BusGather *gather);
/* The call of the question has to end: the manifest was sent, or the question was refused. */
void bus_gather_send_done (BusGather *gather);
void bus_gather_send_forget (BusGather *gather);

/* Sends as much as there is room for. TRUE: the call of a question has to end */
gboolean bus_gather_send (BusCore *core, gint64 now_us);
