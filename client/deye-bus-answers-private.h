/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-answers.h"
#include "session/deye-bus-pending.h"

/* Called by the dispatch of an event ANSWER: a call of next_async() waits, and an answer came or the request ended. */
void deye_bus_answers_wake (DeyeBusAnswers *self);
