/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-session-types.h"

/*
 * Plain publishes: no options, a small payload, nobody waits for an answer, and there is credit. Most messages are.
 *
 * The last topic is remembered with what follows from it, so that such a message is checked with a few comparisons and written
 * in one pass. Everything else is a call for session-send, which gives the same bytes and the same results.
 *
 * Invariant: nothing is refused here.
 */

/* Publishes to all subscribers of @topic. @payload: (nullable). FALSE: not plain, nothing was done. */
gboolean deye_bus_session_publish_plain (DeyeBusSession *session, const char *topic, GBytes *payload);
