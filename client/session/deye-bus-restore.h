/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"

/*
 * A restore in progress: the channels of a kept session that are to be subscribed again on a new connection.
 *
 * The list only remembers what is left. session-restore sends the requests, all in one batch as far as the credit of the
 * connection reaches, and notes their answers here.
 *
 * Invariant: the restore is over when nothing is left to be asked and every question has its answer.
 */

typedef struct
{
  GQueue left;           /* of DeyeBusChannel, references */
  GPtrArray *asked;      /* of DeyeBusPending; NULL: none */
  DeyeBusPending *whole; /* ends with the last answer; NULL: no restore is in progress */
} DeyeBusRestore;

/* Takes the channels of @channels (borrowed DeyeBusChannel) that can be subscribed again. */
void deye_bus_restore_begin (DeyeBusRestore *restore, const GPtrArray *channels, DeyeBusPending *whole);
void deye_bus_restore_clear (DeyeBusRestore *restore);
/* A channel that was added while the restore is in progress. */
void deye_bus_restore_add (DeyeBusRestore *restore, DeyeBusChannel *channel);
/* The next channel, as a reference; channels that have ended meanwhile are left out. NULL: none is left. */
DeyeBusChannel *deye_bus_restore_take (DeyeBusRestore *restore);

/* @pending was sent for a channel. */
void deye_bus_restore_ask (DeyeBusRestore *restore, DeyeBusPending *pending);
/* TRUE if nothing is left, and every question has ended. */
gboolean deye_bus_restore_is_over (DeyeBusRestore *restore);
