/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-answers.h"
#include "session/deye-bus-pending.h"

/* Starts a standing request without a deadline, which survives the end of a connection, and returns its answers. Called between
 * enter() and leave(). NULL: not started. */
DeyeBusAnswers *deye_bus_answers_new_standing (DeyeBusClient *client, const DeyeBusStanding *standing, GError **error);

/* TRUE if the request has ended and every answer was taken. @last: (out) (transfer full) (nullable): the last reply, if it is
 * an error with a payload. */
gboolean deye_bus_answers_is_exhausted (DeyeBusAnswers *self, DeyeBusMessage **last);

/* Called by the dispatch of an event ANSWER: a call of next_async() waits, and an answer came or the request ended. */
void deye_bus_answers_wake (DeyeBusAnswers *self);
