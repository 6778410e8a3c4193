/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A watch of the broker's socket in its directory, so that a client does not wait for its next attempt when the broker is
 * there again.
 *
 * Each system implements this interface. One without such a watch has none, and its clients only follow their schedule. If
 * the directory does not exist, there is nothing to watch either. A directory that was replaced, as that of a service is
 * when systemd starts it again, is another one: the watch is renewed after each attempt.
 *
 * Invariant: reading never waits.
 */

typedef struct DeyeBusWatch DeyeBusWatch;

/* NULL: not possible. */
DeyeBusWatch *deye_bus_watch_open (const char *address);
void deye_bus_watch_close (DeyeBusWatch *watch);
/* Watches the directory that has the path now. */
void deye_bus_watch_renew (DeyeBusWatch *watch);
/* The descriptor to poll for input. */
gint deye_bus_watch_fd (const DeyeBusWatch *watch);
/* TRUE if the socket was created, moved there or made accessible since the last call, or the directory itself changed. */
gboolean deye_bus_watch_read (DeyeBusWatch *watch);
