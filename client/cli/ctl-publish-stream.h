/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-input.h"
#include "ctl.h"

/*
 * Publishes the records of an input, one message each: many are on their way at once, written together, and each is
 * acknowledged.
 *
 * Records are published as soon as they were read, so the input may have no end. When the broker takes no more, nothing more is read.
 * The first message that fails ends it; those that are on their way are waited for.
 *
 * Invariant: the number of messages that it reports as accepted is exact.
 */

/* @options: of each message. The framing of @input is set. */
gboolean ctl_publish_stream (Ctl *ctl, const char *topic, CtlInput *input, DeyeBusOptions *options, GError **error);
