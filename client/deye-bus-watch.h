/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A watch of the broker's socket in its directory, so that a client does not wait for its next attempt when the broker is
 * there again.
 *
 * Each system implements this interface. One without such a watch has none, and its clients only follow their schedule. If
 * the directory does not exist, there is nothing to watch either.
 *
 * Invariant: reading never waits.
 */

typedef struct DeyeBusWatch DeyeBusWatch;

/* NULL: not possible. */
DeyeBusWatch *deye_bus_watch_open (const char *address);
void deye_bus_watch_close (DeyeBusWatch *watch);
/* The descriptor to poll for input. */
gint deye_bus_watch_fd (const DeyeBusWatch *watch);
/* TRUE if the socket was created, moved there or made accessible since the last call. */
gboolean deye_bus_watch_read (DeyeBusWatch *watch);
