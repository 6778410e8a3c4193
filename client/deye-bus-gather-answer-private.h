/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-gather-answer.h"
#include "deye-bus-message.h"

/* From the payload of a reply. NULL: it is no valid answer. */
DeyeBusGatherAnswer *deye_bus_gather_answer_new (DeyeBusMessage *message);
