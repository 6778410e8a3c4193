/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-options-private.h"
#include "session/deye-bus-session-types.h"

/*
 * Plain publishes: to all subscribers of a topic, with a small payload, without options or with those that only add fields (see
 * deye-bus-option-fields.h), and there is credit. Most messages are.
 *
 * The last topic is remembered with what follows from it, so that such a message is checked with a few comparisons and written
 * in one pass. Everything else is for the general way of session-send, which gives the same bytes and the same results.
 *
 * Invariant: nothing is refused here.
 */

/* Writes it with @flags and the next id, which is odd when nobody @waits for an answer, and uses its credit. @payload, @options:
 * (nullable). Returns the id; 0: not plain, nothing was done. */
guint64 deye_bus_session_write_plain (DeyeBusSession *session,
                                      const char *topic,
                                      GBytes *payload,
                                      const DeyeBusOptions *options,
                                      guint8 flags,
                                      gboolean waits);
