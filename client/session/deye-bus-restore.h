/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"

/*
 * The progress of a restore: which channels of a kept session have still to be subscribed on the new connection, and which of
 * the requests have no answer yet.
 *
 * This module only keeps the two lists. session-restore sends the requests, all in one batch as far as the credit of the
 * connection reaches, and reads the answers.
 *
 * Invariant: the restore is over when no channel is left and every request that was sent has ended.
 */

typedef struct
{
  GQueue left;           /* of DeyeBusChannel, references: no request was sent for them yet */
  GPtrArray *asked;      /* of DeyeBusPending: the requests, in the order of sending; NULL: none was sent */
  DeyeBusPending *whole; /* ends with the last answer; NULL: no restore is in progress */
} DeyeBusRestore;

/* Takes the channels of @channels (borrowed DeyeBusChannel) that can be subscribed again. */
void deye_bus_restore_begin (DeyeBusRestore *restore, const GPtrArray *channels, DeyeBusPending *whole);
void deye_bus_restore_clear (DeyeBusRestore *restore);
/* Appends a channel that was added while the restore is in progress. */
void deye_bus_restore_add (DeyeBusRestore *restore, DeyeBusChannel *channel);
/* The next channel, as a reference; skips channels that have ended meanwhile. NULL: none is left. */
DeyeBusChannel *deye_bus_restore_take (DeyeBusRestore *restore);

/* @pending was sent for a channel. */
void deye_bus_restore_ask (DeyeBusRestore *restore, DeyeBusPending *pending);
/* TRUE if no channel is left and every request has ended. */
gboolean deye_bus_restore_is_over (DeyeBusRestore *restore);
