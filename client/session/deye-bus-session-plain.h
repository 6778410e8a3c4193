/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-options-private.h"
#include "session/deye-bus-session-types.h"

/*
 * A fast path for plain publishes. A publish is plain if it is for all subscribers of a topic, has a small payload, has no
 * options or only options that add fields (see deye-bus-option-fields.h), and there is credit for it. Most messages are plain.
 *
 * The session remembers the last topic with its class and encoded field, so that a plain publish is checked with a few
 * comparisons and written in one pass. All other publishes use session-send, which gives the same bytes and the same results.
 *
 * Invariant: this module refuses no message; it leaves a message that might be refused to session-send.
 */

/* Writes the publish with @flags and the next id (odd if no caller @waits for an answer), and uses its credit. @payload, @options:
 * (nullable). Returns the id; 0: it is not plain, and nothing was done. */
guint64 deye_bus_session_write_plain (DeyeBusSession *session,
                                      const char *topic,
                                      GBytes *payload,
                                      const DeyeBusOptions *options,
                                      guint8 flags,
                                      gboolean waits);
