/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-input.h"
#include "ctl.h"

/*
 * Publishes the records of an input, one message for each record. Many messages are in flight at the same time; they are written
 * together, and each one is acknowledged.
 *
 * A record is published as soon as it was read, so the input may have no end. While the broker accepts no more messages, the
 * input is not read. The first message that fails ends the stream, after the outcome of those in flight is known.
 *
 * Invariant: the number of messages that it reports as accepted is exact.
 */

/* @options: those of each message. @input: its framing is already set. */
gboolean ctl_publish_stream (Ctl *ctl, const char *topic, CtlInput *input, DeyeBusOptions *options, GError **error);
